"""Draw how many molecules each filter took."""

from mepflow.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.filters import funnel, read_verdicts
    from mepflow.plots.filter_funnel import plot_filter_funnel

    plot_filter_funnel(
        funnel(read_verdicts(Path(snakemake.input.verdicts))),
        [Path(path) for path in snakemake.output],
        snakemake.params.style,
    )

"""Draw how many molecules each filter took."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.plots.filter_funnel import plot_filter_funnel
    from mepflow.selection.verdicts import read_funnel

    plot_filter_funnel(
        read_funnel(Path(snakemake.input.funnel)),
        [Path(path) for path in snakemake.output],
        snakemake.params.style,
    )

"""Draw the MEP errors of every variant beside those of the baselines."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.sources import sources_of
    from mepflow.plots.mep_error import plot_mep_error

    plot_mep_error(
        sources_of(snakemake.input.errors),
        snakemake.params.variants,
        snakemake.params.grid,
        [Path(path) for path in snakemake.output],
        snakemake.params.style,
    )

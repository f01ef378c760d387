"""Draw the potential of a showcase molecule in its plane: reference, variants, differences."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.sources import sources_of
    from mepflow.plots.showcase import plot_showcase

    plot_showcase(
        sources_of(snakemake.input.predictions),
        Path(snakemake.input.reference),
        snakemake.params.molecule,
        snakemake.params.grid,
        [Path(path) for path in snakemake.output],
        snakemake.params.style,
    )

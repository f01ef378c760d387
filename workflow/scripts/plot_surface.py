"""Draw the potential on the surface of a showcase molecule: reference, variants, differences."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.sources import sources_of
    from mepflow.plots.surface import plot_surface

    plot_surface(
        sources_of(snakemake.input.predictions),
        Path(snakemake.input.reference),
        snakemake.params.molecule,
        snakemake.params.grid,
        [Path(snakemake.output.png), Path(snakemake.output.pdf)],
        Path(snakemake.output.table),
        snakemake.params.style,
        snakemake.params.penetration,
    )

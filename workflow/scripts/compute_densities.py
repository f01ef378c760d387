"""Compute test molecules with their exact densities, and the fits to these."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.qm.blas import choose_kernels

    choose_kernels()

    from mepflow.densities.computed_densities import write_computed_densities

    write_computed_densities(
        Path(snakemake.input.labels),
        snakemake.params.level,
        snakemake.params.level_row,
        snakemake.params.grids,
        snakemake.params.fitted_grid,
        snakemake.params.plane,
        snakemake.params.molecules,
        Path(snakemake.output.computed),
        snakemake.threads,
    )

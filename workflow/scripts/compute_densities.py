"""Compute test molecules with their exact densities, and the fits to these."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.qm.blas import choose_kernels

    choose_kernels()

    from mepflow.densities.computed_densities import Comparison, write_computed_densities

    params = snakemake.params
    write_computed_densities(
        Path(snakemake.input.labels),
        Comparison(
            params.level,
            params.level_row,
            params.grids,
            params.fitted_grid,
            params.plane,
            params.bases,
        ),
        params.molecules,
        Path(snakemake.output.computed),
        Path(params.state),
        snakemake.threads,
        params.code,
    )

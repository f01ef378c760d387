"""Compute the densities of molecules and their derivatives, which trainings of energies share."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.densities.frozen_densities import freeze_densities

    freeze_densities(
        Path(snakemake.input.density[0]),
        Path(snakemake.input.reference),
        Path(snakemake.input.splits),
        snakemake.params.degree,
        snakemake.params.largest,
        Path(snakemake.output.frozen),
        threads=snakemake.threads,
    )

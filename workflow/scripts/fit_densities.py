"""Fit the labels of density models."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.densities.label_fits import write_density_labels

    write_density_labels(
        Path(snakemake.input.archive),
        Path(snakemake.input.reference),
        Path(snakemake.input.splits),
        snakemake.params.level,
        snakemake.params.grid,
        snakemake.params.points,
        snakemake.params.weight,
        Path(snakemake.output.labels),
        snakemake.wildcards.auxiliary_basis,
    )

"""Draw errors of energies, forces and dipoles over the size of the training set."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.plots.energy_sizes import plot_energy_sizes

    plot_energy_sizes(
        Path(snakemake.input.table),
        snakemake.params.variants,
        [Path(path) for path in snakemake.output],
        snakemake.params.style,
    )

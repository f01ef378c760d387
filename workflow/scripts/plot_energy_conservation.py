"""Draw the figure energy_conservation."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.plots.energy_conservation import plot_energy_conservation

    plot_energy_conservation(
        Path(snakemake.input.energies),
        Path(snakemake.input.conservation),
        [Path(path) for path in snakemake.output],
        snakemake.params.style,
    )

"""Draw predicted against reference energies and forces."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.sources import sources_of
    from mepflow.plots.energy_parity import plot_energy_parity

    plot_energy_parity(
        sources_of(snakemake.input.predictions),
        snakemake.params.variants,
        Path(snakemake.input.reference),
        [Path(path) for path in snakemake.output],
        snakemake.params.style,
    )

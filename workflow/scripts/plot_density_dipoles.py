"""Draw the figure density_dipoles."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.plots.density_dipoles import plot_density_dipoles

    plot_density_dipoles(
        Path(snakemake.input.dipoles),
        [Path(path) for path in snakemake.output],
        snakemake.params.style,
    )

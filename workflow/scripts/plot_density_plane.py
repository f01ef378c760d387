"""Draw the figure density_plane."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.plots.density_plane import plot_density_plane

    plot_density_plane(
        Path(snakemake.input.plane),
        [Path(path) for path in snakemake.output],
        snakemake.params.style,
    )

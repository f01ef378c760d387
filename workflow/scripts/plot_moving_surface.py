"""Draw the figure moving_surface."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.plots.moving_surface import plot_moving_surface

    plot_moving_surface(
        Path(snakemake.input.surface),
        [Path(path) for path in snakemake.output],
        snakemake.params.style,
    )

"""Draw the figure density_errors."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.plots.density_errors import plot_density_errors

    plot_density_errors(
        Path(snakemake.input.table),
        snakemake.params.grid,
        [Path(path) for path in snakemake.output],
        snakemake.params.style,
    )

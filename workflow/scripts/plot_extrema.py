"""Draw the smallest values of the potential on a surface."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.plots.surface_minima import plot_surface_minima

    plot_surface_minima(
        Path(snakemake.input.table),
        Path(snakemake.input["values"]),
        snakemake.params.names,
        snakemake.params.variants,
        [Path(path) for path in snakemake.output],
        snakemake.params.style,
    )

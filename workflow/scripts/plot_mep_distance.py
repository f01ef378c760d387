"""Draw the MEP errors by distance, without and with penetration."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.plots.mep_distance import plot_mep_distance

    plot_mep_distance(
        Path(snakemake.input.table),
        snakemake.params.names,
        snakemake.params.variants,
        [Path(path) for path in snakemake.output],
        snakemake.params.style,
    )

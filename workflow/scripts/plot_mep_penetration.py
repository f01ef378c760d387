"""Draw the MEP errors without and with penetration."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.plots.mep_penetration import plot_mep_penetration

    plot_mep_penetration(
        Path(snakemake.input.table),
        snakemake.params.variants,
        [Path(path) for path in snakemake.output],
        snakemake.params.style,
    )

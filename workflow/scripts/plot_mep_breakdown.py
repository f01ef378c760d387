"""Draw the MEP errors by distance, by nearest element or by kind of molecule."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.plots.mep_breakdown import plot_mep_breakdown

    plot_mep_breakdown(
        Path(snakemake.input.table),
        snakemake.wildcards.by,
        snakemake.params.names,
        snakemake.params.variants,
        [Path(path) for path in snakemake.output],
        snakemake.params.style,
    )

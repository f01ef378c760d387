"""Write the table of the MEP errors by distance, without and with penetration."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.sources import sources_of
    from mepflow.tables.distance_table import write_distance_table

    write_distance_table(
        sources_of(snakemake.input.predictions),
        Path(snakemake.input.reference),
        snakemake.params.penetration,
        Path(snakemake.output.csv),
        Path(snakemake.output.markdown),
    )

"""Write the table of where the MEP is wrong."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.sources import sources_of
    from mepflow.tables.breakdown_table import write_breakdown_table

    write_breakdown_table(
        sources_of(snakemake.input.predictions),
        Path(snakemake.input.reference),
        snakemake.params.headline_grid,
        Path(snakemake.output.csv),
        Path(snakemake.output.markdown),
    )

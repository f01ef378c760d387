"""Write the table of where the MEP is wrong."""

from mepflow.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.statistics import sources_of
    from mepflow.tables.breakdown import write_breakdown_table

    write_breakdown_table(
        sources_of(snakemake.input.predictions),
        Path(snakemake.input.reference),
        snakemake.params.headline_grid,
        Path(snakemake.output.csv),
        Path(snakemake.output.markdown),
    )

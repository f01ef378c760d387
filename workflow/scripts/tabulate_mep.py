"""Write the table of the MEP errors."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.sources import sources_of
    from mepflow.tables.mep_table import write_mep_table

    write_mep_table(
        sources_of(snakemake.input.errors),
        snakemake.params.headline_grid,
        Path(snakemake.output.csv),
        Path(snakemake.output.markdown),
    )

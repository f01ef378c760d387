"""Write the table of the MEP errors."""

from mepflow.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.statistics import sources_of
    from mepflow.tables.mep import write_mep_table

    write_mep_table(
        sources_of(snakemake.input.errors),
        snakemake.params.headline_grid,
        Path(snakemake.output.csv),
        Path(snakemake.output.markdown),
    )

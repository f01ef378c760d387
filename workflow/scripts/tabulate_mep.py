"""Write the table of the MEP errors, and the paired differences between its rows."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.sources import sources_of
    from mepflow.tables.mep_table import write_mep_table

    write_mep_table(
        sources_of(snakemake.input.errors),
        sources_of(snakemake.input.logs),
        snakemake.params.headline_grid,
        csv=Path(snakemake.output.csv),
        differences=Path(snakemake.output.differences),
        markdown=Path(snakemake.output.markdown),
    )

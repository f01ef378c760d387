"""Write the table of aromatic and planar molecules."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.sources import sources_of
    from mepflow.tables.aromatics_table import write_aromatics_table

    write_aromatics_table(
        sources_of(snakemake.input.errors),
        Path(snakemake.input.reference),
        snakemake.params.grid,
        Path(snakemake.output.csv),
        Path(snakemake.output.markdown),
    )

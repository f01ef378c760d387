"""Write the table of the multipole errors."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.sources import sources_of
    from mepflow.tables.multipoles_table import write_multipole_table

    write_multipole_table(
        sources_of(snakemake.input.errors),
        Path(snakemake.output.csv),
        Path(snakemake.output.markdown),
    )

"""Write the table of the errors of densities."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.tables.densities_table import write_densities_table

    write_densities_table(
        Path(snakemake.input.errors),
        Path(snakemake.output.csv),
        Path(snakemake.output.markdown),
    )

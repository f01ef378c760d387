"""Write the table of the filters."""

from mepflow.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.filters import read_verdicts, summarise
    from mepflow.tables import write_filter_table

    write_filter_table(
        summarise(read_verdicts(Path(snakemake.input.verdicts))),
        Path(snakemake.output.csv),
        Path(snakemake.output.markdown),
    )

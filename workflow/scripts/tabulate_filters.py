"""Write the table of the filters."""

from mepflow.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.tables.filters import write_filter_table
    from mepflow.verdicts import read_funnel, read_verdicts, summarise

    reasons = list(read_funnel(Path(snakemake.input.funnel))["step"][1:])
    write_filter_table(
        summarise(read_verdicts(Path(snakemake.input.verdicts)), reasons),
        Path(snakemake.output.csv),
        Path(snakemake.output.markdown),
    )

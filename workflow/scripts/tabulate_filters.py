"""Write the table of the filters."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.selection.verdicts import read_funnel, read_verdicts, summarise
    from mepflow.tables.filters_table import write_filter_table

    reasons = list(read_funnel(Path(snakemake.input.funnel))["step"][1:])
    write_filter_table(
        summarise(read_verdicts(Path(snakemake.input.verdicts)), reasons),
        Path(snakemake.output.csv),
        Path(snakemake.output.markdown),
    )

"""Write the table of what the loss weights trade."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.sources import sources_of
    from mepflow.tables.trade_off_table import write_trade_off_table

    write_trade_off_table(
        sources_of(snakemake.input.errors),
        snakemake.params.variants,
        Path(snakemake.output.csv),
        Path(snakemake.output.markdown),
    )

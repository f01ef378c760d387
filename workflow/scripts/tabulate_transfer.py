"""Write the table of the transfer between data sets."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.sources import sources_of
    from mepflow.evaluation.transfer_evaluation import transfer_sources
    from mepflow.tables.transfer_table import write_transfer_table

    files = snakemake.input
    write_transfer_table(
        snakemake.wildcards.dataset,
        (sources_of(files.own_mep), sources_of(files.own_multipoles)),
        (transfer_sources(files.mep), transfer_sources(files.multipoles)),
        snakemake.params.grid,
        Path(snakemake.output.csv),
        Path(snakemake.output.markdown),
    )

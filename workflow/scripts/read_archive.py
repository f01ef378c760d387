"""Read a raw archive into a table of molecules and a list of unreadable records."""

from mepflow.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.archives.qm9_table import read_archive

    read_archive(
        Path(snakemake.input.archive),
        Path(snakemake.output.table),
        Path(snakemake.output.rejected),
        snakemake.params.records,
    )

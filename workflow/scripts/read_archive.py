"""Read a raw archive into a table of molecules and a list of unreadable records."""

from mepflow.runs.jobs import job

with job(snakemake):
    from importlib import import_module
    from pathlib import Path

    import_module(snakemake.params.reader).read_archive(
        Path(snakemake.input.archive),
        Path(snakemake.output.table),
        Path(snakemake.output.rejected),
        snakemake.params.records,
        **snakemake.params.options,
    )

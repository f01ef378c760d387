"""Fetch a file of a raw archive and check it."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.archives.download import download

    wanted = snakemake.params.download
    download(
        wanted["urls"],
        wanted["bytes"],
        wanted["md5"],
        Path(snakemake.params.partial),
        Path(snakemake.output[0]),
    )

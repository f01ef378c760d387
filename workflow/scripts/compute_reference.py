"""Compute the reference of one shard of molecules."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.qm.levels import LevelOfTheory
    from mepflow.qm.shards import compute_shard

    compute_shard(
        Path(snakemake.input.candidates),
        Path(snakemake.input.splits),
        Path(snakemake.output.table),
        Path(snakemake.params.state),
        int(snakemake.wildcards.shard),
        snakemake.params.shards,
        snakemake.params.split,
        LevelOfTheory.from_row(snakemake.params.level, snakemake.params.level_row),
        snakemake.params.grids,
        snakemake.params.code,
        snakemake.threads,
        snakemake.resources.mem_mb,
    )

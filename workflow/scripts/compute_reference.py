"""Compute the reference of one shard of molecules."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.qm.levels import LevelOfTheory
    from mepflow.qm.shards import compute_shard

    compute_shard(
        candidates=Path(snakemake.input.candidates),
        splits=Path(snakemake.input.splits),
        output=Path(snakemake.output.table),
        state_folder=Path(snakemake.params.state),
        shard=int(snakemake.wildcards.shard),
        shards=snakemake.params.shards,
        split=snakemake.params.split,
        level=LevelOfTheory.from_row(snakemake.params.level, snakemake.params.level_row),
        grids=snakemake.params.grids,
        gradients=snakemake.params.gradients,
        code=snakemake.params.code,
        threads=snakemake.threads,
        memory_megabyte=snakemake.resources.mem_mb,
    )

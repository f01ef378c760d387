"""Join the shards of the reference and keep the molecules that pass the last filters."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.qm.collection import collect_reference

    collect_reference(
        [Path(path) for path in snakemake.input.shards],
        Path(snakemake.input.candidates),
        Path(snakemake.input.splits),
        Path(snakemake.input.verdicts),
        Path(snakemake.input.funnel),
        snakemake.params.computed_split,
        snakemake.params.grids,
        snakemake.params.dipole_tolerance_debye,
        Path(snakemake.output.reference),
        Path(snakemake.output.computed),
        Path(snakemake.output.verdicts),
        Path(snakemake.output.funnel),
    )

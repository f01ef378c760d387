"""Join the shards of the reference and keep the molecules that pass the last filters."""

from mepflow.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.collection import collect_verdicts

    collect_verdicts(
        [Path(path) for path in snakemake.input.shards],
        Path(snakemake.input.verdicts),
        snakemake.params.dipole_tolerance_debye,
        Path(snakemake.output.reference),
        Path(snakemake.output.verdicts),
    )

"""Find the test molecules that the models of another data set have learned from."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.seen_molecules import find_known

    find_known(
        Path(snakemake.input.reference),
        Path(snakemake.input.splits),
        Path(snakemake.input.other_reference),
        Path(snakemake.input.other_splits),
        Path(snakemake.output.known),
    )

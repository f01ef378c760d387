"""Assign every candidate to the training, validation or test set."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.selection.candidate_splits import split_candidates

    split_candidates(
        Path(snakemake.input.candidates), snakemake.params.split, Path(snakemake.output.splits)
    )

"""Assign every candidate to the training, validation or test set."""

from mepflow.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.molecules import MoleculeTable
    from mepflow.splits import make_splits, write_splits

    ids = MoleculeTable.load(snakemake.input.candidates).ids
    write_splits(make_splits(ids, **snakemake.params.split), Path(snakemake.output.splits))

"""Assign every candidate to the training, validation or test set."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.molecules import MoleculeTable
    from mepflow.selection.splits import make_splits, write_splits

    table = MoleculeTable.load(snakemake.input.candidates)
    splits = make_splits(table.ids, **snakemake.params.split, molecules=table.texts.get("molecule"))
    write_splits(splits, Path(snakemake.output.splits))

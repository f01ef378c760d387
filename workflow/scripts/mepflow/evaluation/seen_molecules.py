"""Molecules of one data set that the models of another one have learned from.

Geometry and level of theory may differ, but a model that was trained on a molecule is no judge of
how it does on unseen ones.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mepflow.molecules import MoleculeTable
from mepflow.selection.identity import canonical_smiles
from mepflow.selection.splits import TEST, TRAIN, VALIDATION, rows_in_split
from mepflow.storage.csv_file import write_csv

logger = logging.getLogger(__name__)


def find_known(
    reference: Path, splits: Path, other_reference: Path, other_splits: Path, output: Path
) -> None:
    """Write the ids of test molecules that are in the other data set's training or validation set.

    ``reference`` and ``splits`` are those of the test molecules. Molecules are the same where
    their SMILES are, stereochemistry aside; one without a SMILES is the same as no other. The CSV
    file ``output`` has the column id.
    """
    table = MoleculeTable.load(reference)
    other = MoleculeTable.load(other_reference)
    learned = [
        row
        for split in (TRAIN, VALIDATION)
        for row in rows_in_split(other.ids, other_splits, split)
    ]
    seen = set(_identities(other, learned)) - {""}
    test = list(rows_in_split(table.ids, splits, TEST))
    pairs = zip(test, _identities(table, test), strict=True)
    known = [table.ids[row] for row, identity in pairs if identity in seen]
    write_csv(pd.DataFrame({"id": known}, dtype=str), output)
    logger.info(
        "%d of %d test molecules are in the training or validation set of %s",
        len(known),
        len(test),
        other_reference,
    )


def _identities(table: MoleculeTable, rows: Sequence[int]) -> list[str]:
    return [canonical_smiles(table.smiles[row]) or table.smiles[row] for row in rows]

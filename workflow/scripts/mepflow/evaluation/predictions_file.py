"""Bringing a predictions file and the reference into the same rows."""

from pathlib import Path
from typing import Final

import numpy as np

from mepflow.errors import InputError
from mepflow.molecules import MoleculeTable

POSITION_TOLERANCE_BOHR: Final = 1e-4
"""Positions further apart than this are another geometry; float32 files are still the same one."""


def load_predictions(path: Path, *, may_be_empty: bool = False) -> MoleculeTable:
    """Read a predictions file.

    Raises :class:`InputError` where it holds no atomic charges, or no molecules unless it
    ``may_be_empty``.
    """
    table = MoleculeTable.load(path)
    if "atomic_charges" not in table.properties:
        raise InputError(f"{path} holds no atomic charges: it is not a predictions file.")
    if not len(table) and not may_be_empty:
        raise InputError(f"{path} holds no molecules: the split leaves none to evaluate.")
    return table


def matched_reference(
    predicted: MoleculeTable, reference: MoleculeTable, predictions_path: Path
) -> MoleculeTable:
    """Return the rows of ``reference`` for the molecules of ``predicted``, in the same order.

    Raises :class:`InputError` for a molecule that the reference does not hold, or holds with other
    elements, another total charge or another geometry; ``predictions_path`` names the file in the
    message.
    """
    rows = {molecule_id: row for row, molecule_id in enumerate(reference.ids)}
    missing = [molecule_id for molecule_id in predicted.ids if molecule_id not in rows]
    if missing:
        raise InputError(
            f"{predictions_path} holds {len(missing)} molecules without a reference "
            f"(the first is {missing[0]}): make it again from the same dataset."
        )
    selected = reference.select([rows[molecule_id] for molecule_id in predicted.ids])
    for index, molecule_id in enumerate(predicted.ids):
        if not _same_molecule(predicted, selected, index):
            raise InputError(
                f"{predictions_path} describes {molecule_id} with other atoms, charge or geometry "
                "than the reference: make it again from the same dataset."
            )
    return selected


def load_matched(
    predictions: Path, reference: Path, *, may_be_empty: bool = False
) -> tuple[MoleculeTable, MoleculeTable]:
    """Return a predictions file and the rows of a reference file for its molecules.

    Raises what :func:`load_predictions` and :func:`matched_reference` raise.
    """
    predicted = load_predictions(predictions, may_be_empty=may_be_empty)
    return predicted, matched_reference(predicted, MoleculeTable.load(reference), predictions)


def predictions_of(
    molecule_id: str, predictions_path: Path, reference: MoleculeTable
) -> MoleculeTable:
    """Return the row of a showcase molecule in a predictions file.

    Raises :class:`InputError` where the file lacks it, or describes another molecule than
    ``reference`` does.
    """
    table = load_predictions(predictions_path)
    if molecule_id not in table.ids:
        raise InputError(
            f"{predictions_path} holds no prediction of {molecule_id}: "
            "list it under split.showcase, so that it is a test molecule, and run again."
        )
    table = table.select([table.ids.index(molecule_id)])
    matched_reference(table, reference, predictions_path)
    return table


def molecule_names(table: MoleculeTable) -> list[str]:
    """Return the name of each row's molecule, which conformers share; without one, its id."""
    names = table.texts.get("molecule", table.ids)
    return [name or key for name, key in zip(names, table.ids, strict=True)]


def _same_molecule(first: MoleculeTable, second: MoleculeTable, index: int) -> bool:
    one, other = first.molecule(index), second.molecule(index)
    return (
        one.total_charge == other.total_charge
        and np.array_equal(one.atomic_numbers, other.atomic_numbers)
        and np.allclose(one.positions, other.positions, rtol=0.0, atol=POSITION_TOLERANCE_BOHR)
    )

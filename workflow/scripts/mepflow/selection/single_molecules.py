"""The filter of rows that are several molecules: by their SMILES, or because a bond is torn."""

import numpy as np

from mepflow.geometry.bonds import TORN_FACTOR, n_parts
from mepflow.molecules import MoleculeTable
from mepflow.selection.verdicts import Filter, IntArray
from mepflow.units import BOHR_IN_ANGSTROM


def several_molecules(table: MoleculeTable) -> Filter:
    """Return the filter of several molecules, and of geometries that are not their SMILES."""
    # A dot separates what no bond connects, in a SMILES and in a name from the geometry alone.
    texts = table.texts.get("molecule", table.smiles)
    names = [smiles or text for smiles, text in zip(table.smiles, texts, strict=True)]
    counts = np.array([1 + name.count(".") for name in names])

    def find(rows: IntArray) -> dict[int, str]:
        details = {}
        for row in rows.tolist():
            if counts[row] > 1:
                details[row] = f"{counts[row]} molecules: {names[row]}"
            elif (parts := _parts(table, row)) > 1:
                details[row] = f"a torn bond: {names[row]} lies in {parts} parts"
        return details

    return find


def _parts(table: MoleculeTable, row: int) -> int:
    atoms = table.atoms(row)
    positions = table.positions[atoms] * BOHR_IN_ANGSTROM
    return n_parts(table.atomic_numbers[atoms], positions, TORN_FACTOR)

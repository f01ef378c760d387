"""The training domain of a model: what kind of molecules it has seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from mepflow.elements import ATOMIC_NUMBERS, symbol
from mepflow.molecules import MoleculeTable


@dataclass(frozen=True)
class TrainingDomain:
    """What the training molecules have in common; kept in the provenance of a model file.

    ================= ==========================================================
    molecules         number of training molecules
    atoms             fewest and most atoms of one
    elements          atomic number: how many of the molecules hold the element
    total_charges     total charges in e that occur, ascending
    ================= ==========================================================
    """

    molecules: int
    atoms: tuple[int, int]
    elements: dict[int, int]
    total_charges: tuple[int, ...]

    @classmethod
    def from_table(cls, table: MoleculeTable) -> Self:
        """Return the domain of the molecules of a table, of which there must be one."""
        holders = [np.unique(table.atomic_numbers[table.atoms(row)]) for row in range(len(table))]
        numbers, counts = np.unique(np.concatenate(holders), return_counts=True)
        n_atoms = np.diff(table.atom_offsets)
        return cls(
            len(table),
            (int(n_atoms.min()), int(n_atoms.max())),
            dict(zip(numbers.tolist(), counts.tolist(), strict=True)),
            tuple(np.unique(table.total_charge).tolist()),
        )

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Return the domain that :meth:`to_dict` wrote down.

        Raises :class:`LookupError`, :class:`TypeError`, :class:`ValueError` or
        :class:`AttributeError` where the content is something else.
        """
        fewest, most = content["atoms"]
        return cls(
            int(content["molecules"]),
            (int(fewest), int(most)),
            {ATOMIC_NUMBERS[name]: int(count) for name, count in content["elements"].items()},
            tuple(int(charge) for charge in content["total_charges"]),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists and numbers, with the elements by symbol."""
        return {
            "molecules": self.molecules,
            "atoms": list(self.atoms),
            "elements": {symbol(number): count for number, count in self.elements.items()},
            "total_charges": list(self.total_charges),
        }

"""Charged groups that a geometry shows: ammonium, carboxylate and their kind.

An atom's group follows from its element and its neighbours by distance, without any bond order.
Only groups that are charged in every closed-shell structure are named: a molecule may be charged
without one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ase.data import chemical_symbols

from mepflow.geometry.bonds import bonds
from mepflow.molecules import Molecule
from mepflow.units import BOHR_IN_ANGSTROM


@dataclass(frozen=True)
class ChargedGroup:
    """A group by name, its formal charge in e, and its atoms, counted from 0."""

    name: str
    charge: int
    atoms: tuple[int, ...]


def charged_groups(molecule: Molecule) -> list[ChargedGroup]:
    """Return the charged groups of a molecule."""
    symbols = [chemical_symbols[number] for number in molecule.atomic_numbers]
    neighbours: list[list[int]] = [[] for _ in symbols]
    for i, j in bonds(molecule.atomic_numbers, molecule.positions * BOHR_IN_ANGSTROM):
        neighbours[i].append(j)
        neighbours[j].append(i)
    return list(_groups(symbols, neighbours))


def is_zwitterion(groups: Sequence[ChargedGroup]) -> bool:
    """Return whether there are groups of both signs."""
    return len({group.charge > 0 for group in groups}) == 2


def _groups(symbols: list[str], neighbours: list[list[int]]) -> Iterator[ChargedGroup]:
    for atom, element in enumerate(symbols):
        around = neighbours[atom]
        ends = tuple(a for a in around if symbols[a] in "OS" and len(neighbours[a]) == 1)
        shape = (element, len(around), len(ends))
        if shape in _OF_ENDS:
            yield ChargedGroup(*_OF_ENDS[shape], ends)
        elif shape in _OF_CENTRES and not {symbols[a] for a in around} & {"B", "Al"}:
            yield ChargedGroup(*_OF_CENTRES[shape], (atom,))
        elif _is_guanidinium(atom, symbols, neighbours):
            yield ChargedGroup("guanidinium", 1, tuple(around))


_OF_ENDS: Final = {
    ("C", 3, 2): ("carboxylate", -1), ("C", 3, 3): ("carbonate", -2), ("C", 4, 1): ("alkoxide", -1),
    ("N", 3, 3): ("nitrate", -1), ("S", 4, 3): ("sulfonate", -1), ("S", 4, 4): ("sulfate", -2),
    ("P", 4, 2): ("phosphate", -1), ("P", 4, 3): ("phosphate", -2), ("P", 4, 4): ("phosphate", -3),
}  # fmt: skip
"""By element, neighbours, and how many of them are oxygen or sulfur atoms that end a chain."""
_OF_CENTRES: Final = {
    ("N", 4, 0): ("ammonium", 1), ("P", 4, 0): ("phosphonium", 1),
    ("O", 3, 0): ("oxonium", 1), ("S", 3, 0): ("sulfonium", 1),
}  # fmt: skip


def _is_guanidinium(atom: int, symbols: list[str], neighbours: list[list[int]]) -> bool:
    """Return whether a carbon has three nitrogen neighbours that all have three of their own."""
    around = neighbours[atom]
    return (
        symbols[atom] == "C"
        and [symbols[a] for a in around] == ["N"] * 3
        and all(len(neighbours[a]) == 3 for a in around)
        and sum(symbols[b] == "H" for a in around for b in neighbours[a])
        >= _HYDROGENS_OF_GUANIDINIUM
    )


_HYDROGENS_OF_GUANIDINIUM: Final = 3

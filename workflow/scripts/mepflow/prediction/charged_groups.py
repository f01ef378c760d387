"""Charged groups that a geometry shows: ammonium, carboxylate and their kind.

An atom's group follows from its element and its neighbours by distance, without any bond order.
Only groups that are charged in every closed-shell structure are named: a molecule may be charged
without one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from ase.data import chemical_symbols

from mepflow.geometry.bonds import bonds_of_each
from mepflow.molecules import Molecule
from mepflow.units import BOHR_IN_ANGSTROM

Neighbours = list[list[int]]
"""The atoms bonded to each atom."""


@dataclass(frozen=True)
class ChargedGroup:
    """A group by name, its formal charge in e, and its atoms, counted from 0."""

    name: str
    charge: int
    atoms: tuple[int, ...]


def neighbours_of(molecules: Sequence[Molecule]) -> list[Neighbours]:
    """Return the atoms bonded to each atom of each molecule, judged by distances."""
    n_atoms = [len(molecule) for molecule in molecules]
    numbers = np.concatenate([molecule.atomic_numbers for molecule in molecules])
    positions = np.concatenate([molecule.positions for molecule in molecules])
    pairs = bonds_of_each(numbers, positions * BOHR_IN_ANGSTROM, n_atoms)
    return [_neighbours(*one) for one in zip(n_atoms, pairs, strict=True)]


def _neighbours(n_atoms: int, pairs: Sequence[tuple[int, int]]) -> Neighbours:
    neighbours: Neighbours = [[] for _ in range(n_atoms)]
    for i, j in pairs:
        neighbours[i].append(j)
        neighbours[j].append(i)
    return neighbours


def charged_groups(molecule: Molecule, neighbours: Neighbours) -> list[ChargedGroup]:
    """Return the charged groups of a molecule, of which :func:`neighbours_of` tells the bonds."""
    symbols = [chemical_symbols[number] for number in molecule.atomic_numbers]
    return list(_groups(symbols, neighbours))


def n_fragments(neighbours: Neighbours) -> int:
    """Return the number of parts of a molecule that no chain of bonds joins."""
    seen: set[int] = set()
    count = 0
    for atom in range(len(neighbours)):
        if atom in seen:
            continue
        count += 1
        waiting = [atom]
        while waiting:
            seen.add(one := waiting.pop())
            waiting += [other for other in neighbours[one] if other not in seen]
    return count


def is_zwitterion(groups: Sequence[ChargedGroup]) -> bool:
    """Return whether there are groups of both signs."""
    return len({group.charge > 0 for group in groups}) == 2


def _groups(symbols: list[str], neighbours: Neighbours) -> Iterator[ChargedGroup]:
    for atom, element in enumerate(symbols):
        around = neighbours[atom]
        if len(around) < _FEWEST_NEIGHBOURS:
            continue
        ends = tuple(a for a in around if symbols[a] in "OS" and len(neighbours[a]) == 1)
        shape = (element, len(around), len(ends))
        if shape in _OF_ENDS:
            yield ChargedGroup(*_OF_ENDS[shape], ends)
        elif shape in _OF_CENTRES and not {symbols[a] for a in around} & {"B", "Al"}:
            yield ChargedGroup(*_OF_CENTRES[shape], (atom,))
        elif _is_guanidinium(atom, symbols, neighbours):
            yield ChargedGroup("guanidinium", 1, tuple(around))


_FEWEST_NEIGHBOURS: Final = 3
"""Of the central atom of every group."""
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


def _is_guanidinium(atom: int, symbols: list[str], neighbours: Neighbours) -> bool:
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

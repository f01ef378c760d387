"""A molecule's name from its geometry alone, for records that come without a SMILES."""

import hashlib
from typing import Final

import numpy as np
import numpy.typing as npt
from ase.data import chemical_symbols
from ase.formula import Formula
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mepflow.geometry.bonds import bonds
from mepflow.molecules import FloatArray

SEPARATOR: Final = "."
"""Stands between molecules that no bond connects, as in a SMILES."""
_DIGITS: Final = 12


def connectivity_name(atomic_numbers: npt.NDArray[np.uint8], positions_angstrom: FloatArray) -> str:
    """Return a name that all conformers of a molecule share, such as ``CH4O-1f0c…``.

    It is the formula and a hash of who is bonded to whom by
    :func:`~mepflow.geometry.bonds.bonds`, of every part that no bond connects to another. The hash
    is that of Weisfeiler and Lehman (Nauchno-Tekhnicheskaya Informatsia 2, 12, 1968): atoms are
    told apart by their neighbours' neighbours. Rare graphs that it cannot tell apart share a name.
    """
    n_atoms = len(atomic_numbers)
    pairs = np.array(bonds(atomic_numbers, positions_angstrom), dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n_atoms, n_atoms))
    n_parts, part_of = connected_components(graph, directed=False)
    neighbours: list[list[int]] = [[] for _ in range(n_atoms)]
    for one, other in pairs.tolist():
        neighbours[one].append(other)
        neighbours[other].append(one)
    colours = _colours([chemical_symbols[number] for number in atomic_numbers], neighbours)
    parts = [np.flatnonzero(part_of == part) for part in range(n_parts)]
    return SEPARATOR.join(sorted(_part_name(atomic_numbers, colours, part) for part in parts))


def _colours(symbols: list[str], neighbours: list[list[int]]) -> list[str]:
    """Return the atoms' colours after as many rounds as tell any more of them apart."""
    colours, kinds = symbols, 0
    while len(set(colours)) > kinds:
        kinds = len(set(colours))
        colours = [
            _digest([colours[atom], *sorted(colours[other] for other in around)])
            for atom, around in enumerate(neighbours)
        ]
    return colours


def _part_name(
    atomic_numbers: npt.NDArray[np.uint8], colours: list[str], part: npt.NDArray[np.int64]
) -> str:
    symbols = [chemical_symbols[number] for number in atomic_numbers[part]]
    formula = Formula.from_list(symbols).format("hill")
    return f"{formula}-{_digest(sorted(colours[atom] for atom in part.tolist()))}"


def _digest(parts: list[str]) -> str:
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:_DIGITS]

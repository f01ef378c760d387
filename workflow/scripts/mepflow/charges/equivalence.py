"""Atoms that the molecular graph cannot tell apart, and groups that a bond lets turn."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from rdkit import Chem

IntArray = npt.NDArray[np.int64]
Bonds = Sequence[tuple[int, int]]
"""Pairs of bonded atoms, counted from 0."""

_CARBON: Final = 6
_HYDROGEN: Final = 1
_TETRAHEDRAL: Final = 4
_FEWEST_HYDROGENS: Final = 2


def equivalent_atoms(atomic_numbers: npt.ArrayLike, bonds: Bonds) -> IntArray:
    """Return the class (n,) of each atom; atoms of a class lie alike in the graph of the bonds.

    Bond orders, formal charges and stereochemistry do not count, so that the oxygen atoms of a
    carboxylate are alike. The ranks are RDKit's canonical ones, with ties.
    """
    molecule = Chem.RWMol()
    for number in np.asarray(atomic_numbers).tolist():
        atom = Chem.Atom(number)
        atom.SetNoImplicit(True)
        molecule.AddAtom(atom)
    for first, second in bonds:
        molecule.AddBond(int(first), int(second), Chem.BondType.SINGLE)
    whole = molecule.GetMol()
    whole.UpdatePropertyCache(strict=False)
    Chem.FastFindRings(whole)
    ranks = Chem.CanonicalRankAtoms(whole, breakTies=False, includeChirality=False)
    return np.unique(np.array(list(ranks), np.int64), return_inverse=True)[1]


def turning_groups(atomic_numbers: npt.ArrayLike, bonds: Bonds) -> list[list[int]]:
    """Return the methyl and methylene groups: tetrahedral carbon, then its hydrogen atoms."""
    numbers = np.asarray(atomic_numbers)
    neighbours: list[list[int]] = [[] for _ in numbers]
    for first, second in bonds:
        neighbours[first].append(second)
        neighbours[second].append(first)
    groups = []
    for atom, near in enumerate(neighbours):
        hydrogens = [other for other in near if numbers[other] == _HYDROGEN]
        is_tetrahedral = numbers[atom] == _CARBON and len(near) == _TETRAHEDRAL
        if is_tetrahedral and len(hydrogens) >= _FEWEST_HYDROGENS:
            groups.append([atom, *hydrogens])
    return groups

"""Which atoms count as bonded, in pictures and in warnings: the models know no bonds."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
from rdkit import Chem
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mepflow.elements import ATOMIC_NUMBERS

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

BOND_FACTOR: Final = 1.25
"""Atoms nearer than this multiple of the sum of their covalent radii count as bonded."""
HEAVY_BOND_FACTOR: Final = 1.1
"""The same for two atoms beyond neon: two iodine atoms at one carbon are as near as that."""
TORN_FACTOR: Final = 1.5
"""Atoms nearer than this multiple are surely bonded, or a bond of theirs is stretched, not torn."""
_NEON: Final = 10
_ELEMENTS: Final = 119
"""Atomic numbers that RDKit knows, with 0 for none."""
_CATIONS: Final = tuple(
    ATOMIC_NUMBERS[name] for name in ("Li", "Na", "K", "Rb", "Be", "Mg", "Ca", "Sr")
)
"""Metals that are ions beside a molecule: no bond joins them to it, however near it is."""


def bonds(
    atomic_numbers: npt.NDArray[np.uint8], positions_angstrom: FloatArray
) -> list[tuple[int, int]]:
    """Return the pairs of bonded atoms, from distances and RDKit's covalent radii."""
    return bonds_of_each(atomic_numbers, positions_angstrom, [len(atomic_numbers)])[0]


def bonds_of_each(
    atomic_numbers: npt.NDArray[np.uint8], positions_angstrom: FloatArray, n_atoms: Sequence[int]
) -> list[list[tuple[int, int]]]:
    """Return the :func:`bonds` of molecules whose atoms (N,) stand one after the other.

    ``n_atoms`` are those of each molecule; a bond's atoms are counted from its molecule's first.
    """
    ends = np.cumsum(n_atoms)
    first, second = _pairs(ends)
    heavy, ions = atomic_numbers > _NEON, np.isin(atomic_numbers, _CATIONS)
    factors = np.where(heavy[first] & heavy[second], HEAVY_BOND_FACTOR, BOND_FACTOR)
    close = _are_within(factors, atomic_numbers, positions_angstrom, first, second)
    bonded = np.flatnonzero(close & ~(ions[first] | ions[second]))
    first, second = first[bonded], second[bonded]
    molecule = np.searchsorted(ends, first, side="right")
    start = (ends - n_atoms)[molecule]
    pairs = list(zip((first - start).tolist(), (second - start).tolist(), strict=True))
    borders = np.searchsorted(molecule, np.arange(len(ends) + 1)).tolist()
    return [pairs[begin:end] for begin, end in pairwise(borders)]


def n_parts(
    atomic_numbers: npt.NDArray[np.uint8], positions_angstrom: FloatArray, factor: float
) -> int:
    """Return into how many parts atoms fall that no chain of close neighbours joins.

    Two atoms are close where their distance is below ``factor`` times the sum of their covalent
    radii.
    """
    n = len(atomic_numbers)
    first, second = _pairs(np.array([n]))
    close = _are_within(factor, atomic_numbers, positions_angstrom, first, second)
    graph = coo_array((close[close], (first[close], second[close])), (n, n))
    return int(connected_components(graph, directed=False)[0])


def _pairs(ends: IntArray) -> tuple[IntArray, IntArray]:
    """Return all pairs of atoms of the same molecule, the lower atom first.

    The atoms of molecules stand one after the other, before ``ends``.
    """
    atoms = np.arange(ends[-1])
    partners = np.repeat(ends, np.diff(ends, prepend=0)) - atoms - 1
    first = np.repeat(atoms, partners)
    of_first = np.arange(len(first)) - np.repeat(np.cumsum(partners) - partners, partners)
    return first, first + 1 + of_first


def _are_within(
    factors: float | FloatArray,
    atomic_numbers: npt.NDArray[np.uint8],
    positions_angstrom: FloatArray,
    first: IntArray,
    second: IntArray,
) -> npt.NDArray[np.bool_]:
    """Return which pairs of atoms (p,) are nearer than a multiple of their covalent radii."""
    radii = _covalent_radii()[atomic_numbers]
    distances = np.linalg.norm(positions_angstrom[first] - positions_angstrom[second], axis=-1)
    return np.asarray(distances < factors * (radii[first] + radii[second]))


@lru_cache(maxsize=1)
def _covalent_radii() -> FloatArray:
    """Return RDKit's covalent radii in ångström, by atomic number."""
    table = Chem.GetPeriodicTable()
    return np.array([table.GetRcovalent(number) for number in range(_ELEMENTS)])

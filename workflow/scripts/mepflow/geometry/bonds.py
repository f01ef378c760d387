"""Which atoms count as bonded, in pictures and in warnings: the models know no bonds."""

from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from rdkit import Chem
from scipy.sparse.csgraph import connected_components

from mepflow.elements import ATOMIC_NUMBERS

FloatArray = npt.NDArray[np.float64]

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
    heavy = atomic_numbers > _NEON
    factors = np.where(heavy[:, None] & heavy[None], HEAVY_BOND_FACTOR, BOND_FACTOR)
    close = _within(factors, atomic_numbers, positions_angstrom)
    cations = np.isin(atomic_numbers, _CATIONS)
    close &= ~(cations[:, None] | cations[None])
    first, second = np.nonzero(np.triu(close, k=1))
    return list(zip(first.tolist(), second.tolist(), strict=True))


def n_parts(
    atomic_numbers: npt.NDArray[np.uint8], positions_angstrom: FloatArray, factor: float
) -> int:
    """Return into how many parts atoms fall that no chain of close neighbours joins.

    Two atoms are close where their distance is below ``factor`` times the sum of their covalent
    radii.
    """
    close = _within(factor, atomic_numbers, positions_angstrom)
    return int(connected_components(close, directed=False)[0])


def _within(
    factors: float | FloatArray,
    atomic_numbers: npt.NDArray[np.uint8],
    positions_angstrom: FloatArray,
) -> npt.NDArray[np.bool_]:
    """Return which pairs of atoms (n, n) are nearer than a multiple of their covalent radii."""
    radii = _covalent_radii()[atomic_numbers]
    distances = np.linalg.norm(positions_angstrom[:, None] - positions_angstrom[None], axis=-1)
    return np.asarray(distances < factors * (radii[:, None] + radii[None]))


@lru_cache(maxsize=1)
def _covalent_radii() -> FloatArray:
    """Return RDKit's covalent radii in ångström, by atomic number."""
    table = Chem.GetPeriodicTable()
    return np.array([table.GetRcovalent(number) for number in range(_ELEMENTS)])

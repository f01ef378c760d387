"""Classes of molecules by aromaticity and planarity, which decide what charges can do.

Electrons above and below a plane of atoms make a quadrupole that charges in this plane have only by
differences between the atoms.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from mepflow.evaluation.groups import AROMATIC, groups_of
from mepflow.molecules import Molecule
from mepflow.units import BOHR_IN_ANGSTROM

FloatArray = npt.NDArray[np.float64]

PLANAR: Final = "planar, not aromatic"
OTHER: Final = "other"
CLASSES: Final = (AROMATIC, PLANAR, OTHER)
"""Each molecule is of one class."""
FEWEST_HEAVY_ATOMS: Final = 4
"""Three atoms lie in a plane always."""
LARGEST_DEVIATION_ANGSTROM: Final = 0.1


def class_of(molecule: Molecule) -> str:
    """Return the class of a molecule in its geometry.

    Aromatic is what has an aromatic atom (RDKit's model), planar what has four or more heavy atoms
    all of which are within 0.1 Å of their best plane. Raises
    :class:`~mepflow.errors.InputError` for a bad SMILES.
    """
    if AROMATIC in groups_of(molecule.smiles):
        return AROMATIC
    heavy = molecule.positions[molecule.atomic_numbers > 1]
    if len(heavy) < FEWEST_HEAVY_ATOMS:
        return OTHER
    return PLANAR if largest_deviation(heavy) < LARGEST_DEVIATION_ANGSTROM else OTHER


def largest_deviation(positions: FloatArray) -> float:
    """Return the largest distance in Å of ``positions`` (n ≥ 3, 3) in bohr from their best plane.

    The plane holds their mean, and its normal is the direction of least variance.
    """
    centred = positions - positions.mean(axis=0)
    normal = np.linalg.svd(centred)[2][-1]
    return float(np.abs(centred @ normal).max()) * BOHR_IN_ANGSTROM

"""A molecule of springs and point charges, whose every number is known."""

from typing import Any

import numpy as np
import numpy.typing as npt
from ase.data import atomic_masses

from mepflow.dynamics.force_functions import Evaluated
from mepflow.molecules import Molecule
from mepflow.units import (
    ANGSTROM_IN_BOHR,
    DALTON_IN_ELECTRON_MASS,
    E2_PER_ELECTRON_MASS_IN_KM_PER_MOL,
    WAVENUMBER_IN_HARTREE,
)

FloatArray = npt.NDArray[np.float64]

NUMBERS = np.array([8, 1, 1], dtype=np.uint8)
PLACES = ANGSTROM_IN_BOHR * np.array([[0.0, 0.0, 0.0], [0.96, 0.0, 0.0], [-0.24, 0.93, 0.0]])
WATER = Molecule("water", NUMBERS, PLACES)
PAIRS = np.array([[0, 1], [0, 2], [1, 2]])
CONSTANTS = np.array([0.5, 0.45, 0.1])
"""Of the springs, in hartree/bohr²."""
CHARGES = np.array([-0.6, 0.4, 0.2])
MASSES = atomic_masses[NUMBERS] * DALTON_IN_ELECTRON_MASS


class Springs:
    """Springs between all atoms of :data:`WATER`, at rest there; atoms have charges."""

    description = "springs"

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, positions: FloatArray) -> Evaluated:
        self.calls += 1
        between = positions[:, PAIRS[:, 1]] - positions[:, PAIRS[:, 0]]
        length = np.linalg.norm(between, axis=-1)
        stretch = length - np.linalg.norm(PLACES[PAIRS[:, 1]] - PLACES[PAIRS[:, 0]], axis=-1)
        pull = (CONSTANTS * stretch / length)[..., None] * between
        forces = np.zeros_like(positions)
        for number, (first, second) in enumerate(PAIRS):
            forces[:, first] += pull[:, number]
            forces[:, second] -= pull[:, number]
        dipole = np.einsum("n,rni->ri", CHARGES, positions)
        return Evaluated(0.5 * (CONSTANTS * stretch**2).sum(axis=1), forces, dipole)

    def force_spread(self, positions: FloatArray) -> FloatArray | None:
        return None


def exact_modes() -> tuple[FloatArray, FloatArray]:
    """Return wavenumbers (3,) in cm⁻¹ and intensities (3,) in km/mol of the springs.

    From the second derivatives Σ k u uᵀ, u the slope of a spring's length.
    """
    hessian = np.zeros((9, 9))
    for (first, second), constant in zip(PAIRS, CONSTANTS, strict=True):
        along = PLACES[second] - PLACES[first]
        slope: Any = np.zeros((3, 3))
        slope[second], slope[first] = along, -along
        slope = slope.ravel() / np.linalg.norm(along)
        hessian += constant * np.outer(slope, slope)
    root = np.sqrt(np.repeat(MASSES, 3))
    values, vectors = np.linalg.eigh(hessian / np.outer(root, root))
    moved = np.einsum("n,nik->ik", CHARGES, (vectors / root[:, None]).reshape(3, 3, 9))[:, 6:]
    wavenumbers = np.sqrt(values[6:]) / WAVENUMBER_IN_HARTREE
    return wavenumbers, E2_PER_ELECTRON_MASS_IN_KM_PER_MOL * (moved**2).sum(axis=0)

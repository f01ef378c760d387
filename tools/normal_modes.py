"""Harmonic normal modes at a minimum, by central differences of an ASE calculator's gradients."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from mepflow import units

FloatArray = npt.NDArray[np.float64]

DIFFERENCE_ANGSTROM: Final = 0.005


def coordinate_masses(atoms: Any) -> FloatArray:
    """Return the mass of each coordinate (3n,) in electron masses."""
    return np.repeat(atoms.get_masses() * units.DALTON_IN_ELECTRON_MASS, 3)


def normal_modes(atoms: Any) -> tuple[FloatArray, FloatArray]:
    """Return ω² (m,) and orthonormal mass-weighted modes (3n, m), atomic units; m = 3n − 6 or 5.

    ``atoms`` are ASE's, with a calculator; one atom has no modes.
    """
    if len(atoms) == 1:
        return np.empty(0), np.empty((3, 0))
    masses = coordinate_masses(atoms)
    weighted = hessian(atoms) / np.sqrt(np.outer(masses, masses))
    basis = vibrational_basis(atoms.get_positions(), masses)
    values, vectors = np.linalg.eigh(basis.T @ weighted @ basis)
    return values, basis @ vectors


def hessian(atoms: Any) -> FloatArray:
    """Return the second derivatives (3n, 3n) of the energy, hartree/bohr²; positions stay."""
    start = atoms.get_positions()
    found = np.empty((start.size, start.size))
    for row in range(start.size):
        gradients = []
        for sign in (1, -1):
            moved = start.copy()
            moved.reshape(-1)[row] += sign * DIFFERENCE_ANGSTROM
            atoms.set_positions(moved)
            gradients.append(-atoms.get_forces().ravel())
        found[row] = (gradients[0] - gradients[1]) / (2 * DIFFERENCE_ANGSTROM)
    atoms.set_positions(start)
    found *= units.BOHR_IN_ANGSTROM**2 / units.HARTREE_IN_EV
    return (found + found.T) / 2


def vibrational_basis(positions: FloatArray, masses: FloatArray) -> FloatArray:
    """Return an orthonormal basis (3n, 3n − 6 or 5) free of translations and rotations."""
    centred = positions - (masses[::3] @ positions) / masses[::3].sum()
    motions = [np.tile(axis, len(positions)) for axis in np.eye(3)]
    motions += [np.cross(axis, centred).ravel() for axis in np.eye(3)]
    external = np.sqrt(masses)[:, None] * np.array(motions).T
    left, singular, _ = np.linalg.svd(external, full_matrices=True)
    rank = int((singular > 1e-3 * singular.max()).sum())
    return np.asarray(left[:, rank:])

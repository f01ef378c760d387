r"""Harmonic wavenumbers and infrared intensities of a surface at its minimum.

Second derivatives of the energy and first ones of the dipole are central differences of forces and
dipoles. All displaced geometries are one call of the surface, which ASE's ``Infrared`` would ask
for one by one; and translations and rotations are left out exactly, where a rough integration grid
would give them wavenumbers. A mode with :math:`\partial\mu/\partial Q` absorbs
:math:`\frac{N_A}{12 \varepsilon_0 c^2} |\partial\mu/\partial Q|^2`.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ase import Atoms
from ase.data import atomic_masses
from ase.optimize import BFGS

from mepflow.dynamics.calculator_forces import SurfaceCalculator
from mepflow.dynamics.force_functions import Evaluated, ForceFunction
from mepflow.dynamics.rigid_motion import rigid_motions
from mepflow.errors import InputError
from mepflow.molecules import Molecule
from mepflow.units import (
    ANGSTROM_IN_BOHR,
    BOHR_IN_ANGSTROM,
    DALTON_IN_ELECTRON_MASS,
    E2_PER_ELECTRON_MASS_IN_KM_PER_MOL,
    WAVENUMBER_IN_HARTREE,
)

FloatArray = npt.NDArray[np.float64]

DISPLACEMENT_BOHR: Final = 0.01
LARGEST_FORCE: Final = 1e-3
"""At a minimum, in eV/Å."""
_MOST_STEPS: Final = 500


@dataclass(frozen=True)
class HarmonicModes:
    """M vibrations of n atoms about a minimum.

    ============== ========= ================================================================
    atomic_numbers (n,)
    positions      (n, 3)    bohr
    wavenumbers    (M,)      cm⁻¹, ascending; negative for imaginary ones
    intensities    (M,)      km/mol, nan where the surface has no dipole
    modes          (M, n, 3) orthonormal in mass-weighted coordinates
    surface                  what the surface is
    ============== ========= ================================================================
    """

    atomic_numbers: npt.NDArray[np.uint8]
    positions: FloatArray
    wavenumbers: FloatArray
    intensities: FloatArray
    modes: FloatArray
    surface: str


def minimum(
    molecule: Molecule, surface: ForceFunction, largest_force: float = LARGEST_FORCE
) -> FloatArray:
    """Return the positions (n, 3) in bohr of the minimum next to a molecule.

    ``largest_force`` in eV/Å is what may be left there.

    Raises :class:`InputError` where the relaxation finds none.
    """
    atoms: Any = Atoms(
        molecule.atomic_numbers,
        molecule.positions * BOHR_IN_ANGSTROM,
        calculator=SurfaceCalculator(surface),
    )
    optimizer: Any = BFGS(atoms, logfile=None)
    try:
        is_found = optimizer.run(fmax=largest_force, steps=_MOST_STEPS)
    except np.linalg.LinAlgError:  # of atoms that fly away
        is_found = False
    if not is_found:
        raise InputError(
            f"{molecule.id}: no minimum of {surface.description} was found in at most"
            f" {_MOST_STEPS} steps: start from a geometry nearer to one."
        )
    return np.asarray(atoms.get_positions() * ANGSTROM_IN_BOHR)


def harmonic_modes(
    atomic_numbers: npt.NDArray[np.uint8],
    positions: FloatArray,
    surface: ForceFunction,
    displacement: float = DISPLACEMENT_BOHR,
) -> HarmonicModes:
    """Return the vibrations of a molecule at ``positions`` (n, 3) in bohr, a minimum."""
    masses = atomic_masses[atomic_numbers] * DALTON_IN_ELECTRON_MASS
    moves = displacement * np.eye(positions.size).reshape(-1, *positions.shape)
    found = surface(np.concatenate([positions + moves, positions - moves]))
    hessian, slopes = _differences(found, displacement)
    root = np.sqrt(np.repeat(masses, 3))
    weighted = hessian / np.outer(root, root)
    inner = _complement(rigid_motions(positions, masses))
    values, vectors = np.linalg.eigh(inner.T @ weighted @ inner)
    modes = (inner @ vectors).T
    of_modes = (modes / root) @ slopes
    return HarmonicModes(
        atomic_numbers,
        positions,
        np.sign(values) * np.sqrt(np.abs(values)) / WAVENUMBER_IN_HARTREE,
        E2_PER_ELECTRON_MASS_IN_KM_PER_MOL * (of_modes**2).sum(axis=1),
        modes.reshape(-1, *positions.shape),
        surface.description,
    )


def _differences(found: Evaluated, displacement: float) -> tuple[FloatArray, FloatArray]:
    """Return second derivatives (3n, 3n) of the energy and first ones (3n, 3) of the dipole."""
    forward, backward = np.split(-found.forces.reshape(len(found.forces), -1), 2)
    hessian = (forward - backward) / (2.0 * displacement)
    plus, minus = np.split(found.dipole, 2)
    return (hessian + hessian.T) / 2.0, (plus - minus) / (2.0 * displacement)


def _complement(basis: FloatArray) -> FloatArray:
    """Return an orthonormal basis of what is orthogonal to the columns of ``basis``."""
    full, _ = np.linalg.qr(np.hstack([basis, np.eye(len(basis))]))
    return np.asarray(full[:, basis.shape[1] :])

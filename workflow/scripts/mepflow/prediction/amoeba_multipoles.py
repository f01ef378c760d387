r"""Atomic multipoles as OpenMM's ``AmoebaMultipoleForce`` takes them, in frames of the atoms.

Units are e, e·nm and e·nm². The quadrupole is Θ′/6, a third of Buckingham's Θ: what Tinker and
OpenMM multiply with 3 r rᵀ / r⁵. Frames are those of OpenMM: in *ZThenX* the z axis points from
the atom to the atom ``z``, the x axis lies in the plane of these two and the atom ``x``, and y is
z × x; in *ZOnly*, where all atoms lie on a line, what depends on x and y is left out; a lone atom
has none.
"""

import json
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ase.data import chemical_symbols

from mepflow.prediction.result import Prediction
from mepflow.prediction.structures import Structure
from mepflow.units import BOHR_IN_ANGSTROM

FloatArray = npt.NDArray[np.float64]

Z_THEN_X: Final = 0
Z_ONLY: Final = 4
NO_AXIS: Final = 5
"""Values of ``AmoebaMultipoleForce.MultipoleAxisTypes``."""
BOHR_IN_NM: Final = BOHR_IN_ANGSTROM / 10.0
_OF_THETA_PRIME: Final = 6.0
_LEAST_SINE: Final = 0.1
"""Three atoms of a smaller sine of their angle give no frame."""


def amoeba_text(prediction: Prediction, structure: Structure) -> str:
    """Return a line of JSON with the arguments of ``addMultipole`` of each atom.

    They are those of the model's mean atomic terms, without penetration and polarisation.
    """
    molecule = prediction.molecule
    dipoles, quadrupoles = prediction.atomic_dipoles, prediction.atomic_quadrupoles
    atoms: list[dict[str, Any]] = []
    for atom in range(len(molecule)):
        kind, z, x = frame_atoms(molecule.positions, atom)
        axes = frame_axes(molecule.positions, atom, kind, z, x)
        dipole = np.zeros(3) if dipoles is None else dipoles[atom]
        quadrupole = np.zeros((3, 3)) if quadrupoles is None else quadrupoles[atom]
        of_dipole, of_quadrupole = _local(axes, dipole, quadrupole, is_axial=kind == Z_ONLY)
        atoms.append({
            "element": chemical_symbols[molecule.atomic_numbers[atom]],
            "charge_e": float(prediction.atomic_charges[atom]),
            "dipole_e_nm": (of_dipole * BOHR_IN_NM).tolist(),
            "quadrupole_e_nm2": (of_quadrupole * BOHR_IN_NM**2).ravel().tolist(),
            "axis_type": kind, "z": z, "x": x, "y": -1,
        })  # fmt: skip
    content = {
        "name": molecule.id,
        "positions_nm": (molecule.positions * BOHR_IN_NM).tolist(),
        "total_charge_e": molecule.total_charge,
        "multipoles": atoms,
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False) + "\n"


def frame_atoms(positions: FloatArray, atom: int) -> tuple[int, int, int]:
    """Return the axis type of an atom at ``positions`` (n, 3), and the atoms z and x, or −1."""
    away = positions - positions[atom]
    order = np.argsort(np.linalg.norm(away, axis=1), kind="stable")[1:].tolist()
    if not order:
        return NO_AXIS, -1, -1
    z = order[0]
    along = away[z] / np.linalg.norm(away[z])
    for x in order[1:]:
        across = np.linalg.norm(np.cross(along, away[x] / np.linalg.norm(away[x])))
        if across > _LEAST_SINE:
            return Z_THEN_X, z, x
    return Z_ONLY, z, -1


def frame_axes(positions: FloatArray, atom: int, kind: int, z: int, x: int) -> FloatArray:
    """Return the axes of a frame as rows (3, 3): x, y, z."""
    if kind == NO_AXIS:
        return np.eye(3)
    third = positions[z] - positions[atom]
    third = third / np.linalg.norm(third)
    toward = positions[x] - positions[atom] if kind == Z_THEN_X else np.eye(3)[abs(third).argmin()]
    first = toward - (toward @ third) * third
    first = first / np.linalg.norm(first)
    return np.array([first, np.cross(third, first), third])


def _local(
    axes: FloatArray, dipole: FloatArray, quadrupole: FloatArray, *, is_axial: bool
) -> tuple[FloatArray, FloatArray]:
    local, square = axes @ dipole, axes @ quadrupole @ axes.T / _OF_THETA_PRIME
    if is_axial:
        local = local * [0.0, 0.0, 1.0]
        square = square[2, 2] * np.diag([-0.5, -0.5, 1.0])
    return local, square

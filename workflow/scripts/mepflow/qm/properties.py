r"""Properties of a converged density: multipoles, populations, and the electrostatic potential."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pyscf import gto

from mepflow import multipoles

FloatArray = npt.NDArray[np.float64]

_POINTS_PER_BLOCK: Final = 200
"""Grid points whose integrals are held at once: larger blocks are slower and need gigabytes."""


def molecular_properties(mean_field: Any, origin: FloatArray) -> dict[str, FloatArray]:
    """Return the fields of :data:`mepflow.molecules.FIELDS` that one density gives.

    ``origin`` (3,) in bohr is the multipoles' origin. Energies in hartree, dipole (3,) in e·bohr,
    quadrupole Θ′ (3, 3) in e·bohr², ⟨r²⟩ in bohr², Mulliken charges (n,) in e.
    """
    density = mean_field.make_rdm1()
    dipole, second_moment, spatial_extent = _moments(mean_field.mol, density, origin)
    occupied = mean_field.mo_occ > 0
    return {
        "energy": np.float64(mean_field.e_tot),
        "dipole": dipole,
        "quadrupole": multipoles.from_second_moment(second_moment),
        "origin": origin,
        "homo": mean_field.mo_energy[occupied].max(),
        "lumo": mean_field.mo_energy[~occupied].min(),
        "electronic_spatial_extent": spatial_extent,
        "mulliken_charges": mulliken_charges(mean_field.mol, density, mean_field.get_ovlp()),
    }


def _moments(
    mol: gto.Mole, density: FloatArray, origin: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the dipole (3,), the raw second moment Q (3, 3), and ⟨r²⟩ of the electrons."""
    charges = mol.atom_charges().astype(float)
    positions = mol.atom_coords() - origin
    functions = mol.nao
    with mol.with_common_orig(origin):
        r = mol.intor_symmetric("int1e_r", comp=3)
        rr = mol.intor_symmetric("int1e_rr", comp=9).reshape(3, 3, functions, functions)
    electronic_second = np.einsum("abij,ji->ab", rr, density)
    dipole = charges @ positions - np.einsum("aij,ji->a", r, density)
    second = np.einsum("n,na,nb->ab", charges, positions, positions) - electronic_second
    return dipole, second, np.trace(electronic_second)


def mulliken_charges(mol: gto.Mole, density: FloatArray, overlap: FloatArray) -> FloatArray:
    """Return Z − Σ_{i on atom} (D S)_ii, shape (n_atoms,), in e."""
    populations = np.einsum("ij,ji->i", density, overlap)
    atom_slices = mol.aoslice_by_atom()[:, 2:]
    electrons = np.array([populations[first:last].sum() for first, last in atom_slices])
    return np.asarray(mol.atom_charges() - electrons)


def potential_on_points(mean_field: Any, points: FloatArray) -> FloatArray:
    """Return the MEP Σ Z/|r − R| − ∫ρ(r′)/|r − r′| at ``points`` (p, 3) in bohr, in hartree/e."""
    mol = mean_field.mol
    density = mean_field.make_rdm1()
    distances = np.linalg.norm(points[:, None, :] - mol.atom_coords()[None, :, :], axis=-1)
    nuclear = (mol.atom_charges() / distances).sum(axis=1)
    electronic = np.empty(len(points))
    for rows in _blocks(len(points), _POINTS_PER_BLOCK):
        integrals = mol.intor("int1e_grids", grids=points[rows])
        electronic[rows] = np.tensordot(integrals, density, axes=2)
    return np.asarray(nuclear - electronic)


def _blocks(total: int, size: int) -> Iterator[slice]:
    for start in range(0, total, size):
        yield slice(start, min(start + size, total))

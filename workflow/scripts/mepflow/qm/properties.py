r"""Properties of a converged density: multipoles, populations, and the electrostatic potential."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pyscf import gto

from mepflow import multipoles

FloatArray = npt.NDArray[np.float64]

_POINTS_PER_BLOCK: Final = 104
"""Grid points whose integrals are held at once: what PySCF's integrals over grids work off."""
_BLOCK_BYTES: Final = 16 * 2**20
"""Memory of the integrals held at once; small blocks use the matrices' symmetry best."""


def molecular_properties(mean_field: Any, origin: FloatArray) -> dict[str, FloatArray]:
    """Return the fields of :data:`mepflow.fields.FIELDS` that one density gives.

    ``origin`` (3,) in bohr is the multipoles' origin. Energies in hartree, dipole (3,) in e·bohr,
    quadrupole Θ′ (3, 3) in e·bohr², ⟨r²⟩ in bohr², Mulliken charges (n,) in e. With an effective
    core potential they are those of the valence electrons and the effective nuclear charges; the
    multipoles and charges need no more, ⟨r²⟩ lacks the core.
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


def lowdin_charges(mol: gto.Mole, density: FloatArray, overlap: FloatArray) -> FloatArray:
    """Return Z − Σ_{i on atom} (S^½ D S^½)_ii, shape (n_atoms,), in e."""
    values, vectors = np.linalg.eigh(overlap)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    populations = np.einsum("ij,jk,ki->i", root, density, root, optimize=True)
    first = mol.aoslice_by_atom()[:, 2]
    return np.asarray(mol.atom_charges() - np.add.reduceat(populations, first))


def potential_on_points(mean_field: Any, points: FloatArray) -> FloatArray:
    """Return the MEP Σ Z/|r − R| − ∫ρ(r′)/|r − r′| at ``points`` (p, 3) in bohr, in hartree/e.

    With an effective core potential Z and ρ are those of the valence: the core is a point charge,
    which makes no difference outside it.
    """
    mol = mean_field.mol
    density = mean_field.make_rdm1()
    distances = np.linalg.norm(points[:, None, :] - mol.atom_coords()[None, :, :], axis=-1)
    nuclear = (mol.atom_charges() / distances).sum(axis=1)
    return np.asarray(nuclear - _electronic_potential(mol, density, points))


def _electronic_potential(mol: gto.Mole, density: FloatArray, points: FloatArray) -> FloatArray:
    """Return ∫ρ(r′)/|r − r′| at ``points`` (p, 3), shape (p,), for a symmetric density matrix.

    Functions are worked off in blocks of shells, each with itself and those before it: the other
    half of the symmetric matrices is never computed.
    """
    first_function = mol.ao_loc_nr()
    values = np.zeros(len(points))
    for first, last in _shell_blocks(mol):
        rows = slice(first_function[first], first_function[last])
        weights = 2.0 * density[rows, : rows.stop]
        weights[:, rows] = density[rows, rows]
        for block in _blocks(len(points), _POINTS_PER_BLOCK):
            shells = (first, last, 0, last)
            integrals = mol.intor("int1e_grids", grids=points[block], shls_slice=shells)
            values[block] += np.tensordot(integrals, weights, axes=2)
    return values


def _shell_blocks(mol: gto.Mole) -> Iterator[tuple[int, int]]:
    """Yield runs of shells (first, last + 1) whose integrals stay within the memory of a block."""
    first_function = mol.ao_loc_nr()
    limit = max(1, _BLOCK_BYTES // (8 * _POINTS_PER_BLOCK * mol.nao))
    first = 0
    for shell in range(1, mol.nbas):
        if first_function[shell + 1] - first_function[first] > limit:
            yield first, shell
            first = shell
    yield first, mol.nbas


def _blocks(total: int, size: int) -> Iterator[slice]:
    for start in range(0, total, size):
        yield slice(start, min(start + size, total))

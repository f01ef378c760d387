"""What is computed of a conformer of the embedded archive in SPICE's layout.

PySCF's own cycles converge every density: those of :mod:`mepflow.qm.scf`, which need a third of the
time, give them a start alone. So the table of the agreement of our references with the archive
compares two ways to one result.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pyscf import dft, gto

from mepflow.archives.label_geometries import LabelGeometry
from mepflow.archives.label_points import points_checksum
from mepflow.geometry.grids import grid_points
from mepflow.molecules import Molecule
from mepflow.multipoles import centre_of_nuclear_charge, components
from mepflow.qm.density_coefficients import density_coefficients
from mepflow.qm.energy_gradient import energy_gradient
from mepflow.qm.levels import LevelOfTheory
from mepflow.qm.pro_atoms import pro_atom
from mepflow.qm.properties import lowdin_charges, molecular_properties, potential_on_points
from mepflow.qm.scf import build_mean_field, build_molecule, run_scf
from mepflow.qm.stockholder import (
    GridDensity,
    atomic_multipoles,
    fit_shells,
    hirshfeld_charges,
    initial_shells,
)
from mepflow.units import ANGSTROM_IN_BOHR

FloatArray = npt.NDArray[np.float64]
Arrays = dict[str, npt.NDArray[Any]]
Grids = Mapping[str, Mapping[str, Any]]

GROUND_STATE_UNPAIRED: Final = {
    "H": 1, "C": 2, "N": 3, "O": 2, "F": 1, "P": 3, "S": 2, "Cl": 1, "Br": 1, "I": 1,
}  # fmt: skip


def record_of(geometry: LabelGeometry, grids: Grids, level: LevelOfTheory) -> Arrays:
    """Return what the archive holds of a conformer and what a set of labels does, in atomic units.

    The calculation is at the positions in single precision that the archive holds; ``grids`` lie
    around those of ``geometry``, within 3e-7 bohr of them. Raises ``RuntimeError`` where the SCF or
    MBIS does not converge.
    """
    start = time.process_time()
    stored = (geometry.positions_angstrom * ANGSTROM_IN_BOHR).astype(np.float32)
    molecule = replace(geometry.molecule(), positions=stored.astype(float))
    mean_field = converged(molecule, level)
    gradient, density = energy_gradient(mean_field)
    record: Arrays = {
        "conformations": stored,
        "dft_total_energy": np.float64(mean_field.e_tot),
        "dft_total_gradient": gradient,
        "gradient": gradient,
    }
    record |= moments_about_the_origin(mean_field)
    grid = density.without_negligible_points()
    record |= mbis_multipoles(molecule, grid, mean_field.mol.atom_charges())
    if grids:
        record |= label_columns(mean_field, geometry.molecule(), grids)
        record["hirshfeld_charges"] = charges_of_hirshfeld(molecule, grid, level)
    record["levels"] = np.array(json.dumps([vars(level)], sort_keys=True))
    record["grids"] = np.array(json.dumps(dict(grids), sort_keys=True))
    record["geometry"] = np.array(geometry.to_line())
    record["cpu_seconds"] = np.array(time.process_time() - start)
    return record


def converged(molecule: Molecule, level: LevelOfTheory) -> Any:
    """Return the mean field that PySCF's cycles have converged."""
    start = run_scf(molecule, level).mean_field
    mean_field = build_mean_field(build_molecule(molecule, level), level)
    mean_field.with_df = start.with_df
    mean_field.kernel(dm0=start.make_rdm1())
    if not mean_field.converged:
        raise RuntimeError(f"the SCF of {molecule.id} did not converge")
    return mean_field


def moments_about_the_origin(mean_field: Any) -> Arrays:
    """Return the dipole (3,) and the raw second moment (3, 3) about the frame's origin."""
    mol, density = mean_field.mol, np.asarray(mean_field.make_rdm1())
    charges, centres = mol.atom_charges(), mol.atom_coords()
    dipole = charges @ centres - np.einsum("xij,ij->x", mol.intor("int1e_r"), density)
    second = mol.intor("int1e_rr").reshape(3, 3, mol.nao, mol.nao)
    quadrupole = np.einsum("a,ax,ay->xy", charges, centres, centres)
    quadrupole -= np.einsum("xyij,ij->xy", second, density)
    return {"scf_dipole": dipole, "scf_quadrupole": quadrupole}


def mbis_multipoles(molecule: Molecule, grid: GridDensity, nuclear: FloatArray) -> Arrays:
    """Return the MBIS multipoles, raw moments about the nuclei."""
    numbers = molecule.atomic_numbers.astype(np.int64)
    core = numbers - nuclear.astype(np.int64)
    shells = fit_shells(grid, molecule.positions, initial_shells(numbers, core))
    multipoles = atomic_multipoles(grid, molecule.positions, nuclear, shells)
    return {
        **{f"mbis_{order}": values for order, values in multipoles.items()},
        "mbis_second_moments": components(multipoles["quadrupoles"]),
    }


def charges_of_hirshfeld(molecule: Molecule, grid: GridDensity, level: LevelOfTheory) -> FloatArray:
    """Return Hirshfeld's charges (n,) in e of elements without a core potential."""
    numbers = molecule.atomic_numbers
    free = [pro_atom(int(number), level.basis) for number in numbers]
    return hirshfeld_charges(grid, molecule.positions, numbers.astype(float), free)


def label_columns(mean_field: Any, molecule: Molecule, grids: Grids) -> Arrays:
    """Return the columns of a set of labels that the archive has not, and the potentials."""
    origin = centre_of_nuclear_charge(molecule.atomic_numbers, molecule.positions)
    record: Arrays = dict(molecular_properties(mean_field, origin))
    density, overlap = mean_field.make_rdm1(), mean_field.get_ovlp()
    record["lowdin_charges"] = lowdin_charges(mean_field.mol, density, overlap)
    record["density_coefficients"] = density_coefficients(mean_field)
    record["functions"] = np.array(mean_field.mol.nao)
    record["grid_size"] = np.array(len(mean_field.grids.weights))
    record["scf_cycles"] = np.array(mean_field.cycles)
    for name, row in grids.items():
        points = grid_points(row, molecule.atomic_numbers, molecule.positions)
        record[f"mep/{name}"] = potential_on_points(mean_field, points)
        record[f"points_checksum/{name}"] = np.array(points_checksum(points), np.uint64)
    return record


def atomic_energy(symbol: str, level: LevelOfTheory) -> float:
    """Return the energy in hartree of a neutral atom in its ground multiplicity, unrestricted."""
    mol = gto.M(
        atom=symbol,
        basis=level.basis_functions([symbol]),
        ecp=level.core_potentials([symbol]),
        spin=GROUND_STATE_UNPAIRED[symbol],
        verbose=0,
    )
    mean_field = dft.UKS(mol).density_fit(auxbasis=level.density_fitting)
    mean_field.xc = level.functional
    mean_field.grids.level = level.grid_level
    mean_field.conv_tol = level.convergence_hartree
    mean_field.kernel()
    if not mean_field.converged:
        mean_field = mean_field.newton()
        mean_field.kernel(mean_field.mo_coeff, mean_field.mo_occ)
    if not mean_field.converged:
        raise RuntimeError(f"the SCF of the atom {symbol} did not converge")
    return float(mean_field.e_tot)

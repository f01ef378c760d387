"""Fits to the exact density of a calculated molecule: the floors of a basis and a metric."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mepflow.densities.density_fitting import fitted_coefficients, with_potential
from mepflow.densities.density_functions import potential_matrix
from mepflow.densities.density_moments import function_moments
from mepflow.densities.fit_names import FREE_ATOMS, LABELS_FIT
from mepflow.densities.free_atoms import free_atoms, superposed_atoms
from mepflow.densities.label_fits import nuclear_potential
from mepflow.densities.pyscf_basis import auxiliary_basis, fitting_molecule, projections
from mepflow.molecules import Molecule
from mepflow.multipoles import centre_of_nuclear_charge

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FittedMolecule:
    """A converged calculation of a molecule, its dipole (3,), and its MEP (p,) on points (p, 3).

    In atomic units; ``weight`` is that of the potential in the metric of the labels.
    """

    mean_field: Any
    molecule: Molecule
    dipole: FloatArray
    points: FloatArray
    mep: FloatArray
    weight: float


def reference_fits(
    fitted: FittedMolecule, basis_name: str, orbital_basis: str
) -> dict[str, FloatArray]:
    """Return the coefficients (P,) of free atoms and of all fits in a basis, by name."""
    mean_field, molecule = fitted.mean_field, fitted.molecule
    numbers = molecule.atomic_numbers.astype(np.int64)
    basis = auxiliary_basis(basis_name, numbers)
    positions = molecule.positions - centre_of_nuclear_charge(numbers, molecule.positions)
    auxiliary = fitting_molecule(basis_name, numbers, molecule.positions)
    matrix = mean_field.make_rdm1()
    coulomb, overlap = auxiliary.intor("int2c2e"), auxiliary.intor("int1e_ovlp")
    right, right_overlap = (
        projections(mean_field.mol, auxiliary, matrix, name) for name in ("int3c2e", "int3c1e")
    )
    moments = function_moments(basis, numbers, positions)
    electrons = np.array([float(numbers.sum() - molecule.total_charge)])
    number = moments.number[None]
    with_dipole = np.concatenate([number, moments.first])
    target = np.concatenate([electrons, numbers @ positions - fitted.dipole])
    potentials = potential_matrix(basis, numbers, molecule.positions, fitted.points)
    electronic = nuclear_potential(numbers, molecule.positions, fitted.points) - fitted.mep
    weighted = with_potential(coulomb, right, potentials, electronic, fitted.weight)
    return {
        FREE_ATOMS: superposed_atoms(numbers, free_atoms(basis, orbital_basis)),
        "fit-overlap": fitted_coefficients(overlap, right_overlap, number, electrons),
        "fit-coulomb": fitted_coefficients(coulomb, right, number, electrons),
        "fit-coulomb-dipole": fitted_coefficients(coulomb, right, with_dipole, target),
        LABELS_FIT: fitted_coefficients(*weighted, number, electrons),
    }

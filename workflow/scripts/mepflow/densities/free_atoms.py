"""Densities of free atoms in an auxiliary basis: what a learned density is added to."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from pyscf import gto
from pyscf.scf import atom_ks

from mepflow.densities.auxiliary_basis import AuxiliaryBasis, function_table
from mepflow.densities.density_fitting import fitted_coefficients
from mepflow.densities.density_moments import function_moments
from mepflow.densities.pyscf_basis import auxiliary_basis, fitting_molecule, projections
from mepflow.elements import symbol
from mepflow.qm.pro_atoms import FUNCTIONAL

FloatArray = npt.NDArray[np.float64]


@lru_cache
def free_atom(number: int, basis: str, fitting_basis: str) -> tuple[float, ...]:
    """Return coefficients of a neutral, spherical atom: of s functions, with exactly Z electrons.

    ``basis`` is that of the atom's orbitals. Fitted in the Coulomb metric. The functional is that
    of :mod:`mepflow.qm.pro_atoms`.
    """
    name = symbol(number)
    mol = gto.M(atom=name, basis=basis, spin=number % 2, verbose=0)
    _, _, orbitals, occupations = atom_ks.get_atm_nrks(mol, xc=FUNCTIONAL)[name]
    density = (orbitals * occupations) @ orbitals.T
    numbers, origin = np.array([number]), np.zeros((1, 3))
    auxiliary = fitting_molecule(fitting_basis, numbers, origin)
    table = auxiliary_basis(fitting_basis, numbers)
    spherical = function_table(table, numbers).degrees == 0
    metric = auxiliary.intor("int2c2e")[np.ix_(spherical, spherical)]
    right = projections(mol, auxiliary, density, "int3c2e")[spherical]
    electrons = function_moments(table, numbers, origin).number[spherical]
    found = np.zeros(len(spherical))
    found[spherical] = fitted_coefficients(
        metric, right, electrons[None], np.array([float(number)])
    )
    return tuple(found)


def free_atoms(basis: AuxiliaryBasis, orbital_basis: str) -> dict[int, FloatArray]:
    """Return the coefficients of the free atom of every element of a basis."""
    return {n: np.array(free_atom(n, orbital_basis, basis.name)) for n in basis.shells}


def superposed_atoms(numbers: npt.NDArray[np.integer], atoms: dict[int, FloatArray]) -> FloatArray:
    """Return the coefficients (P,) of a molecule's free atoms, neutral ones."""
    return np.concatenate([atoms[int(number)] for number in numbers])

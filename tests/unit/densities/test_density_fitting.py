"""Fits of a density: exact where they can be, exact constraints, and the best there is."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from pyscf import gto, scf

from mepflow.densities.density_fitting import fitted_coefficients, with_potential
from mepflow.densities.density_functions import potential_matrix
from mepflow.densities.density_moments import function_moments, molecular_moments
from mepflow.densities.free_atoms import free_atoms, superposed_atoms
from mepflow.densities.pyscf_basis import (
    auxiliary_basis,
    coulomb_matrix,
    fitting_molecule,
    projections,
)
from mepflow.qm.density_coefficients import density_coefficients

NUMBERS = np.array([8, 1, 1])
POSITIONS = np.array([[0.0, 0.1, 0.2], [0.0, 1.43, -0.9], [0.2, -1.43, -0.9]])
BASES = ("def2-universal-jfit", "def2-universal-jkfit")


@cache
def water() -> Any:
    atoms = list(zip("OHH", POSITIONS.tolist(), strict=True))
    mol = gto.M(atom=atoms, unit="Bohr", basis="def2-svp", verbose=0)
    return scf.RHF(mol).density_fit(auxbasis=BASES[1]).run(conv_tol=1e-11)


@cache
def fitted(name: str) -> tuple[np.ndarray, float]:
    """Return the coefficients of water, and what they lack of the Coulomb energy of the density."""
    density = water().make_rdm1()
    metric = coulomb_matrix(name, NUMBERS, POSITIONS)
    right = right_side(name)
    basis = auxiliary_basis(name, NUMBERS)
    electrons = function_moments(basis, NUMBERS, POSITIONS).number[None]
    found = fitted_coefficients(metric, right, electrons, np.array([10.0]))
    own = np.einsum("ij,ij->", scf.hf.get_jk(water().mol, density)[0], density)
    return found, float(own - 2.0 * right @ found + found @ metric @ found)


def right_side(name: str) -> np.ndarray:
    """Return (χ|ρ) of water."""
    auxiliary = fitting_molecule(name, NUMBERS, POSITIONS)
    return projections(water().mol, auxiliary, water().make_rdm1(), "int3c2e")


def test_coefficients_are_those_of_the_labels() -> None:
    np.testing.assert_allclose(fitted(BASES[1])[0], density_coefficients(water()), atol=1e-7)


def test_a_larger_basis_leaves_less_of_the_coulomb_energy() -> None:
    small, large = (fitted(name)[1] for name in BASES)
    assert 0.0 < large < 0.7 * small


def test_residual_is_orthogonal_to_what_keeps_the_electrons() -> None:
    name = BASES[1]
    metric = coulomb_matrix(name, NUMBERS, POSITIONS)
    right = right_side(name)
    electrons = function_moments(auxiliary_basis(name, NUMBERS), NUMBERS, POSITIONS).number
    coefficients, _ = fitted(name)
    residual = metric @ coefficients - right
    share = residual @ electrons / (electrons @ electrons)
    np.testing.assert_allclose(residual, share * electrons, atol=1e-8)
    assert electrons @ coefficients == pytest.approx(10.0, abs=1e-10)


def test_a_density_of_the_basis_is_found_again() -> None:
    name = BASES[0]
    metric = coulomb_matrix(name, NUMBERS, POSITIONS)
    truth = np.random.default_rng(1).normal(size=len(metric))
    electrons = function_moments(auxiliary_basis(name, NUMBERS), NUMBERS, POSITIONS).number[None]
    found = fitted_coefficients(metric, metric @ truth, electrons, electrons @ truth)
    np.testing.assert_allclose(found, truth, atol=1e-7)


def test_the_dipole_can_be_exact_too() -> None:
    name = BASES[0]
    basis = auxiliary_basis(name, NUMBERS)
    moments = function_moments(basis, NUMBERS, POSITIONS)
    metric = coulomb_matrix(name, NUMBERS, POSITIONS)
    right = right_side(name)
    exact = water().dip_moment(unit="AU", verbose=0)
    electronic = NUMBERS @ POSITIONS - exact
    rows = np.concatenate([moments.number[None], moments.first])
    found = fitted_coefficients(metric, right, rows, np.array([10.0, *electronic]))
    _, dipole, _ = molecular_moments(basis, NUMBERS, POSITIONS, found)
    np.testing.assert_allclose(dipole, exact, atol=1e-9)
    _, free, _ = molecular_moments(basis, NUMBERS, POSITIONS, fitted(name)[0])
    assert np.abs(free - exact).max() > 1e-3


def test_weight_on_the_potential_makes_it_better() -> None:
    name = BASES[0]
    metric = coulomb_matrix(name, NUMBERS, POSITIONS)
    mol, density = water().mol, water().make_rdm1()
    right = right_side(name)
    basis = auxiliary_basis(name, NUMBERS)
    electrons = function_moments(basis, NUMBERS, POSITIONS).number[None]
    directions = np.random.default_rng(2).normal(size=(300, 3))
    points = 5.0 * directions / np.linalg.norm(directions, axis=1)[:, None]
    exact = np.einsum("pij,ij->p", mol.intor("int1e_grids", grids=points), density)
    potentials = potential_matrix(basis, NUMBERS, POSITIONS, points)
    errors = []
    for weight in (0.0, 1000.0):
        pair = with_potential(metric, right, potentials, exact, weight)
        found = fitted_coefficients(*pair, electrons, np.array([10.0]))
        errors.append(float(np.sqrt(np.mean((potentials @ found - exact) ** 2))))
    assert errors[1] < 0.7 * errors[0]


def test_dependent_functions_are_refused() -> None:
    metric = np.ones((2, 2))
    with pytest.raises(ValueError, match="linearly dependent"):
        fitted_coefficients(metric, np.ones(2), np.ones((1, 2)), np.ones(1))


def test_free_atoms_are_neutral_and_without_multipoles() -> None:
    basis = auxiliary_basis(BASES[1], NUMBERS)
    atoms = superposed_atoms(NUMBERS, free_atoms(basis, "def2-svp"))
    electrons, dipole, quadrupole = molecular_moments(basis, NUMBERS, POSITIONS, atoms)
    assert electrons == pytest.approx(10.0, abs=1e-10)
    np.testing.assert_allclose(dipole, 0.0, atol=1e-10)
    np.testing.assert_allclose(quadrupole, 0.0, atol=1e-10)
    # They hold nearly all of the Coulomb energy.
    metric = coulomb_matrix(basis.name, NUMBERS, POSITIONS)
    rest = fitted(basis.name)[0] - atoms
    assert rest @ metric @ rest < 2e-3 * (atoms @ metric @ atoms)

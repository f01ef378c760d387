"""The fitted density is the best one in the Coulomb metric with the right number of electrons."""

from typing import Any

import numpy as np
import pytest
from pyscf import df, gto, scf

from mepflow.qm.density_coefficients import (
    coefficients_moments,
    coefficients_potential,
    density_coefficients,
    function_integrals,
)


@pytest.fixture(scope="module")
def mean_field() -> Any:
    atoms = "F 0 0 0.1; C 0 0 2.7; H 1.9 0 3.4; H -0.9 1.7 3.4; H -0.9 -1.7 3.5"
    mol = gto.M(atom=atoms, unit="Bohr", basis="def2-svp", verbose=0)
    return scf.RHF(mol).density_fit(auxbasis="def2-universal-jkfit").run()


def test_residual_is_lagranges_multiple_of_the_constraint(mean_field: Any) -> None:
    coefficients = density_coefficients(mean_field)
    auxiliary = mean_field.with_df.auxmol
    integrals = df.incore.aux_e2(mean_field.mol, auxiliary, "int3c2e")
    wanted = np.einsum("ijp,ij->p", integrals, mean_field.make_rdm1())
    residual = wanted - auxiliary.intor("int2c2e") @ coefficients
    electrons = function_integrals(auxiliary)
    multiplier = residual @ electrons / (electrons @ electrons)
    assert abs(multiplier) > 1e-6  # else the constraint would not have been tried
    np.testing.assert_allclose(residual, multiplier * electrons, atol=1e-9)
    assert electrons @ coefficients == pytest.approx(18.0, abs=1e-9)


def test_moments_are_those_of_the_potential_far_away(mean_field: Any) -> None:
    auxiliary = mean_field.with_df.auxmol
    coefficients = density_coefficients(mean_field)
    origin = np.array([0.3, -0.2, 1.5])
    charge, first, second = coefficients_moments(auxiliary, coefficients, origin)
    assert charge == pytest.approx(18.0, abs=1e-8)
    direction = np.array([[0.6, 0.0, 0.8], [0.0, 1.0, 0.0], [-0.48, 0.6, 0.64]])
    distance = 300.0
    potential = coefficients_potential(auxiliary, coefficients, origin + distance * direction)
    quadrupole = 1.5 * second - 0.5 * np.trace(second) * np.eye(3)
    expected = charge / distance + direction @ first / distance**2
    expected += np.einsum("pa,ab,pb->p", direction, quadrupole, direction) / distance**3
    np.testing.assert_allclose(potential, expected, atol=3 * 100 / distance**4, rtol=0)


def test_moments_are_near_those_of_the_density(mean_field: Any) -> None:
    mol = mean_field.mol
    _, first, _ = coefficients_moments(
        mean_field.with_df.auxmol, density_coefficients(mean_field), np.zeros(3)
    )
    expected = np.einsum("aij,ij->a", mol.intor("int1e_r"), mean_field.make_rdm1())
    np.testing.assert_allclose(first, expected, atol=0.02)

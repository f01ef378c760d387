"""Gradients agree with PySCF's own, which takes all functions with all functions."""

from typing import Any

import numpy as np
import pytest

from mepflow.molecules import Molecule
from mepflow.qm.energy_gradient import energy_gradient
from mepflow.qm.levels import LevelOfTheory
from mepflow.qm.scf import run_scf

ROW: dict[str, Any] = {
    "functional": "tpssh",
    "basis": "def2-svp",
    "effective_core_potential": None,
    "density_fitting": "def2-universal-jkfit",
    "dispersion": None,
    "grid_level": 1,
    "convergence_hartree": 1e-10,
    "max_cycles": 50,
}
FORMALDEHYDE = Molecule(
    "CH2O",
    np.array([6, 8, 1, 1], np.uint8),
    np.array([[0.0, 0.1, -1.0], [0.0, 0.0, 1.3], [1.75, 0.0, -2.1], [-1.75, 0.0, -2.1]]),
)


def converged(**changes: Any) -> Any:
    return run_scf(FORMALDEHYDE, LevelOfTheory.from_row("test", ROW | changes)).mean_field


@pytest.mark.parametrize(
    ("changes", "tolerance"),
    [
        ({}, 1e-10),
        # PySCF's gradient drops fewer of the dependent long-ranged functions than its energy.
        ({"functional": "wb97m-d3bj"}, 2e-7),
    ],
    ids=["hybrid", "range-separated, with dispersion"],
)
def test_gradient_is_that_of_pyscf(changes: dict[str, Any], tolerance: float) -> None:
    mean_field = converged(**changes)
    gradient, _ = energy_gradient(mean_field)
    expected = mean_field.nuc_grad_method().kernel()
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(gradient, expected, atol=tolerance)


def test_density_on_the_grid_is_that_of_the_density_matrix() -> None:
    mean_field = converged()
    _, grid = energy_gradient(mean_field)
    functions = mean_field.mol.eval_gto("GTOval_sph", grid.points[::50])
    density = np.einsum("pi,ij,pj->p", functions, mean_field.make_rdm1(), functions)
    np.testing.assert_allclose(grid.density[::50], density, rtol=1e-9, atol=1e-14)
    assert grid.weights @ grid.density == pytest.approx(16.0, abs=1e-3)


def test_another_kind_of_functional_has_pyscfs_own_gradient() -> None:
    mean_field = converged(functional="pbe")
    gradient, grid = energy_gradient(mean_field)
    expected = mean_field.nuc_grad_method().kernel()
    np.testing.assert_allclose(gradient, expected, atol=1e-12)
    functions = mean_field.mol.eval_gto("GTOval_sph", grid.points[::50])
    density = np.einsum("pi,ij,pj->p", functions, mean_field.make_rdm1(), functions)
    np.testing.assert_allclose(grid.density[::50], density, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "changes",
    [
        {"functional": "hf", "basis": "gaussian-6-31g(2df,p)", "density_fitting": "cc-pvqz-jkfit"},
        {"functional": "hf", "basis": "6-31g*", "density_fitting": None},
    ],
    ids=["mixed basis", "exact integrals"],
)
def test_gradient_is_the_slope_of_the_energy(changes: dict[str, Any]) -> None:
    level = LevelOfTheory.from_row("test", ROW | changes | {"grid_level": 0})
    step = 1e-3

    def at(distance: float) -> Any:
        positions = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, distance]])
        return run_scf(Molecule("HF", np.array([9, 1], np.uint8), positions), level).mean_field

    slope = (at(1.7 + step).e_tot - at(1.7 - step).e_tot) / (2.0 * step)
    gradient, _ = energy_gradient(at(1.7))
    # What is left is of the order of the step's square.
    np.testing.assert_allclose(gradient[:, 2], [-slope, slope], rtol=0, atol=1e-6)
    assert abs(slope) > 1e-3

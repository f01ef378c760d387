"""Cycles with an approximation give what PySCF's own give, with few exact evaluations."""

from typing import Any

import numpy as np
import pytest
from pyscf import dft
from pyscf.dft import numint

from mepflow.molecules import Molecule
from mepflow.qm import corrected_scf, scf
from mepflow.qm.levels import LevelOfTheory

ROW: dict[str, Any] = {
    "functional": "b3lyp",
    "basis": "6-31g",
    "effective_core_potential": None,
    "density_fitting": "def2-universal-jkfit",
    "dispersion": None,
    "grid_level": 2,
    "convergence_hartree": 1e-9,
    "max_cycles": 50,
}
FORMALDEHYDE = Molecule(
    "CH2O",
    np.array([6, 8, 1, 1], np.uint8),
    np.array([[0.0, 0.1, -1.0], [0.0, 0.0, 1.3], [1.75, 0.0, -2.1], [-1.75, 0.0, -2.1]]),
)


def level(**changes: Any) -> LevelOfTheory:
    return LevelOfTheory.from_row("test", ROW | changes)


@pytest.fixture
def evaluations(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of grid points of every evaluation of the functional."""
    sizes = []
    plain = numint.NumInt.nr_rks

    def counted(self: Any, mol: Any, grids: Any, *args: Any, **kwargs: Any) -> Any:
        sizes.append(grids.weights.size)
        return plain(self, mol, grids, *args, **kwargs)

    monkeypatch.setattr(numint.NumInt, "nr_rks", counted)
    return sizes


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"functional": "lda,vwn", "density_fitting": None},
        {"density_fitting": None},
        {"functional": "wb97m-d3bj", "basis": "def2-svp"},
        {"basis": "gaussian-6-31g(2df,p)"},
    ],
    ids=["hybrid", "local", "exact integrals", "meta, range-separated", "mixed basis"],
)
def test_the_fine_grid_decides_the_result(changes: dict[str, Any], evaluations: list[int]) -> None:
    result = scf.run_scf(FORMALDEHYDE, level(**changes))
    assert result.converged
    found = result.mean_field
    fine, coarse = max(evaluations), min(evaluations)
    assert fine == found.grids.weights.size > 5 * coarse
    assert evaluations.count(fine) <= 3
    plain = scf.build_mean_field(found.mol, level(**changes))
    plain.conv_tol, plain.conv_tol_grad = 1e-13, 1e-8
    plain.kernel()
    assert found.e_tot == pytest.approx(plain.e_tot, abs=2e-11)
    np.testing.assert_allclose(found.dip_moment(unit="au"), plain.dip_moment(unit="au"), atol=2e-6)
    np.testing.assert_allclose(found.mo_energy, plain.mo_energy, atol=2e-6)


@pytest.mark.parametrize(
    ("functional", "fitting"), [("wb97m-v", "def2-universal-jkfit"), ("wb97x-v", None)]
)
def test_functionals_with_vv10_have_the_energy_of_plain_pyscf(
    monkeypatch: pytest.MonkeyPatch, functional: str, fitting: str | None
) -> None:
    hydrogen = Molecule("H2", np.array([1, 1], np.uint8), np.array([[0, 0, 0], [0, 0, 1.4]], float))
    wanted = level(functional=functional, basis="sto-3g", density_fitting=fitting, grid_level=1)
    original = scf.build_mean_field

    def with_small_grid(*arguments: Any) -> Any:
        mean_field = original(*arguments)
        mean_field.nlcgrids.level = 0  # the cost of VV10 rises with its square
        return mean_field

    monkeypatch.setattr(scf, "build_mean_field", with_small_grid)
    found = scf.run_scf(hydrogen, wanted)
    assert found.converged
    plain = dft.RKS(scf.build_molecule(hydrogen, wanted))
    plain.xc, plain.grids.level, plain.nlcgrids.level = functional, 1, 0
    if fitting is not None:
        plain = plain.density_fit(auxbasis=fitting)
    plain.kernel()
    assert found.mean_field.e_tot == pytest.approx(plain.e_tot, abs=1e-6)
    plain.nlc = 0
    assert abs(plain.kernel() - found.mean_field.e_tot) > 1e-4, "VV10 is in the energy"


def test_the_correction_is_the_difference_to_first_order() -> None:
    """Off the point of expansion, the error of the corrected energy falls with the square."""
    mean_field = scf.build_mean_field(scf.build_molecule(FORMALDEHYDE, level()), level())
    mean_field.grids.build(with_non0tab=True)
    density = np.asarray(mean_field.get_init_guess())
    mol, grids = mean_field.mol, mean_field.grids
    integration = corrected_scf.CorrectedIntegration(mol, 1000.0)
    exact = numint.NumInt()
    fine = exact.nr_rks(mol, grids, "b3lyp", density)
    coarse = integration.nr_rks(mol, grids, "b3lyp", density)
    integration.expand(density, fine[1] - coarse[1], fine[2] - coarse[2])
    corrected = integration.nr_rks(mol, grids, "b3lyp", density)
    assert corrected[1] == pytest.approx(fine[1], abs=1e-12)
    np.testing.assert_allclose(corrected[2], fine[2], atol=1e-13)
    change = np.random.default_rng(2).normal(size=density.shape)
    change += change.T
    errors = []
    for length in (2e-3, 1e-3):
        moved = density + length * change
        _, energy, _ = integration.nr_rks(mol, grids, "b3lyp", moved)
        errors.append(abs(energy - exact.nr_rks(mol, grids, "b3lyp", moved)[1]))
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.1)


def test_little_memory_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = scf.run_scf(FORMALDEHYDE, level()).mean_field.e_tot
    monkeypatch.setattr(corrected_scf, "_KEPT_SHARE", 0.0)
    assert scf.run_scf(FORMALDEHYDE, level()).mean_field.e_tot == pytest.approx(kept, abs=1e-11)


def test_the_second_attempt_is_on_the_fine_grid() -> None:
    converged = scf.run_scf(FORMALDEHYDE, level())
    retried = scf.run_scf(FORMALDEHYDE, level(max_cycles=3))
    assert retried.converged
    assert type(retried.mean_field._numint) is numint.NumInt
    assert retried.mean_field.e_tot == pytest.approx(converged.mean_field.e_tot, abs=1e-9)

"""The projected potential is PySCF's for occupied orbitals, and so is the SCF's result."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pyscf.dft import numint

from mepflow.molecules import Molecule
from mepflow.qm.levels import LevelOfTheory
from mepflow.qm.orbital_integration import OrbitalIntegration
from mepflow.qm.scf import run_scf

LEVEL = LevelOfTheory(
    "test", "wb97m-d3bj", "def2-svp", None, "def2-universal-jkfit", None, 1, 1e-8, 50
)
WATER = Molecule(
    "H2O", np.array([8, 1, 1], np.uint8), np.array([[0, 0.1, 0], [1.4, 0, -1.1], [-1.4, 0, -1.1]])
)


@pytest.fixture(scope="module")
def mean_field() -> Any:
    return run_scf(WATER, replace(LEVEL, convergence_hartree=1e-11)).mean_field


def test_potential_of_occupied_orbitals(mean_field: Any) -> None:
    grids, functional = mean_field.grids, mean_field.xc
    density = mean_field.make_rdm1()
    expected = numint.NumInt().nr_rks(mean_field.mol, grids, functional, density)
    found = OrbitalIntegration().nr_rks(mean_field.mol, grids, functional, density)
    np.testing.assert_allclose(found[:2], expected[:2], rtol=1e-11)
    occupied = mean_field.mo_coeff[:, :5]
    np.testing.assert_allclose(found[2] @ occupied, expected[2] @ occupied, atol=1e-10)
    np.testing.assert_allclose(found[2], found[2].T, atol=1e-12)
    assert np.abs(found[2] - expected[2]).max() > 1e-3  # else nothing would have been left out


def test_the_scf_comes_to_the_same_end(mean_field: Any) -> None:
    found = run_scf(WATER, LEVEL, integration=OrbitalIntegration()).mean_field
    assert found.e_tot == pytest.approx(mean_field.e_tot, abs=1e-9)
    np.testing.assert_allclose(found.mo_energy[:6], mean_field.mo_energy[:6], atol=3e-6)
    np.testing.assert_allclose(found.dip_moment(), mean_field.dip_moment(), atol=1e-4)

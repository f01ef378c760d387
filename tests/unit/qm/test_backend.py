"""The backend of the SCF: refused where it is not installed, and handed back to PySCF."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pyscf import dft

from level_cases import TINY_LEVEL
from mepflow.errors import ConfigError
from mepflow.molecules import Molecule
from mepflow.qm.levels import GPU4PYSCF, LevelOfTheory
from mepflow.qm.scf import run_scf

LEVEL = LevelOfTheory.from_row("tiny", TINY_LEVEL | {"backend": GPU4PYSCF})
HYDROGEN = Molecule("H2", np.array([1, 1], np.uint8), np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.4]]))


def test_a_missing_backend_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(mean_field: Any) -> Any:
        raise ImportError("No module named 'gpu4pyscf'")

    monkeypatch.setattr(dft.rks.RKS, "to_gpu", missing, raising=False)
    with pytest.raises(ConfigError, match=r"No module named .gpu4pyscf.*install gpu4pyscf"):
        run_scf(HYDROGEN, LEVEL)


def test_the_backend_converges_and_pyscf_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    moves = []

    def moved(to: str) -> Any:
        return lambda mean_field: (moves.append((to, mean_field.converged)), mean_field)[1]

    monkeypatch.setattr(dft.rks.RKS, "to_gpu", moved("gpu"), raising=False)
    monkeypatch.setattr(dft.rks.RKS, "to_cpu", moved("cpu"), raising=False)
    on_gpu = run_scf(HYDROGEN, LEVEL)
    assert moves == [("gpu", False), ("cpu", True)]
    plain = run_scf(HYDROGEN, replace(LEVEL, backend="pyscf"))
    assert len(moves) == 2
    assert on_gpu.mean_field.e_tot == pytest.approx(plain.mean_field.e_tot, abs=1e-10)


def test_the_basis_of_qm9_needs_pyscf() -> None:
    row = TINY_LEVEL | {"basis": "gaussian-6-31g(2df,p)", "backend": GPU4PYSCF}
    with pytest.raises(ConfigError, match="cannot mix Cartesian and pure functions"):
        LevelOfTheory.from_row("x", row)

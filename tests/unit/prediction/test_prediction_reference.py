"""Predictions against a calculation."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ase import Atoms

import mepflow
from mepflow.__main__ import main
from mepflow.geometry.grids import grid_points
from mepflow.prediction import reference_comparison as module
from mepflow.prediction.predictor import Predictor
from mepflow.prediction.reference_comparison import expected_seconds, reference_row
from mepflow.prediction.structures import from_atoms
from mepflow.qm.levels import LevelOfTheory
from mepflow.units import E_BOHR_IN_DEBYE, HARTREE_PER_E_IN_KCAL_PER_MOL_E

DEFINITIONS = """
levels_of_theory:
  tiny: {functional: lda, basis: sto-3g, effective_core_potential: null, density_fitting: null,
    dispersion: null, grid_level: 0, convergence_hartree: 1.0e-6, max_cycles: 50}
grids:
  mk: {kind: shells, molecules: test, scales: [1.4, 2.0], points_per_angstrom2: 0.5}
"""


@pytest.fixture
def level() -> LevelOfTheory:
    return LevelOfTheory(
        "tiny", "lda", "sto-3g", effective_core_potential=None, density_fitting=None,
        dispersion=None, grid_level=0, convergence_hartree=1e-6, max_cycles=50,
    )  # fmt: skip


def test_errors_are_those_against_the_calculation(
    predictor: Predictor, level: LevelOfTheory, monkeypatch: pytest.MonkeyPatch
) -> None:
    atoms = Atoms("OHH", [[0, 0, 0.1173], [0, 0.7572, -0.4692], [0, -0.7572, -0.4692]])
    prediction = predictor.predict(atoms)
    points = np.array([[5.0, 0.0, 1.0], [0.0, 5.0, 1.0], [0.0, 0.0, -6.0]])
    error = np.array([1.0, -2.0, 3.0]) / HARTREE_PER_E_IN_KCAL_PER_MOL_E
    record = {
        "failure": "",
        "dipole": prediction.dipole + np.array([0.0, 0.3, 0.4]),
        "quadrupole": prediction.quadrupole + 2.0,
        "points/grid": points,
        "mep/grid": prediction.potential(points) + error,
        "wall_time": 1.5,
    }
    monkeypatch.setattr(module, "reference_record", lambda *_: record)
    row = reference_row(prediction, level, {})
    assert row["n_points"] == 3
    assert row["mep_rmse_kcal_per_mol_e"] == pytest.approx(np.sqrt(14 / 3))
    assert row["mep_mae_kcal_per_mol_e"] == pytest.approx(2.0)
    size = np.sqrt(np.mean(record["mep/grid"] ** 2)) * HARTREE_PER_E_IN_KCAL_PER_MOL_E
    assert row["mep_relative_rmse"] == pytest.approx(np.sqrt(14 / 3) / size)
    assert row["dipole_error_norm_debye"] == pytest.approx(0.5 * E_BOHR_IN_DEBYE)
    assert row["theta_prime_rmse_e_bohr2"] == pytest.approx(2.0)
    assert row["reference_dipole_z_e_bohr"] == pytest.approx(prediction.dipole[2] + 0.4)


def test_the_command_computes_and_reports(
    models: Path, water: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    definitions = tmp_path / "definitions.yaml"
    definitions.write_text(DEFINITIONS)
    arguments = ["--reference", "--level", "tiny", "--definitions", str(definitions)]
    frames = water.read_text() + "4\n\nC 0 0 0\nH 1 0 0\nH -0.5 0.9 0\nH -0.5 -0.9 0\n"
    water.write_text(frames)
    status = main(["predict", str(water), "--model", str(models), "--no-cubes", *arguments])
    assert status == 0
    table = pd.read_csv("water-mep/reference.csv")
    first, second = (row for _, row in table.iterrows())
    assert first["level"] == "tiny"
    assert 0.5 < first["reference_dipole_norm_debye"] < 3.0
    assert first["mep_rmse_kcal_per_mol_e"] > 1.0
    assert "only closed shells are supported" in second["failure"]
    assert np.isnan(second["mep_rmse_kcal_per_mol_e"])
    printed = capsys.readouterr().out
    assert "Against tiny:" in printed
    assert "water-2: no reference, water-2 has 9 electrons" in printed


def test_expected_time_grows_with_the_electrons() -> None:
    small, large = (from_atoms(Atoms(f"C{n}", np.eye(n, 3) * 2)).molecule for n in (1, 3))
    assert expected_seconds(large) == pytest.approx(27 * expected_seconds(small))


def test_a_long_calculation_is_announced(
    models: Path, water: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mepflow.prediction.reference_comparison.LONG_SECONDS", 0.1)
    monkeypatch.setattr(
        "mepflow.prediction.reference_comparison.reference_row",
        lambda *_: {"failure": "not done", "level": "x", "name": "water"},
    )
    main(["predict", str(water), "--model", str(models), "--no-cubes", "--reference"])
    assert "water: its reference will take about 0 minutes of one core" in caplog.text


def test_the_surface_of_a_reference_is_the_calculations(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a potential twice the prediction's, the extrema have twice the size, at their places."""

    def twice(molecule, level, grids, threads):
        points = {
            name: grid_points(row, molecule.atomic_numbers, molecule.positions)
            for name, row in grids.items()
        }
        prediction = mepflow.load(models).predict("O")
        return {
            "failure": "", "dipole": prediction.dipole, "quadrupole": prediction.quadrupole,
            "wall_time": 1.0,
            **{f"points/{name}": where for name, where in points.items()},
            **{f"mep/{name}": 2.0 * prediction.potential(r) for name, r in points.items()},
        }  # fmt: skip

    monkeypatch.setattr(module, "reference_record", twice)
    (tmp_path / "d.yaml").write_text(DEFINITIONS)
    given = ["--smiles", "O water", "--model", str(models), "--surface", "--reference"]
    more = ["--definitions", str(tmp_path / "d.yaml"), "--level", "tiny", "--no-cubes"]
    out = tmp_path / "out"
    assert main(["predict", *given, *more, "--output", str(out)]) == 0
    names = ("surface.csv", "reference_surface.csv")
    ours, theirs = (pd.read_csv(out / name).iloc[0] for name in names)
    for column in ("mep_highest_kcal_per_mol_e", "average_deviation_kcal_per_mol_e"):
        assert theirs[column] == pytest.approx(2 * ours[column], rel=0.01)
    assert theirs["area_angstrom2"] == pytest.approx(ours["area_angstrom2"], rel=0.01)
    extrema = pd.read_csv(out / "reference_surface_extrema.csv")
    assert set(extrema["nearest_element"]) == {"H", "O"}

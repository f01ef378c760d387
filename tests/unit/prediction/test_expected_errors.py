"""Errors that are expected of a prediction, by the calibration beside its models."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from ase.build import molecule

from mepflow.__main__ import main
from mepflow.errors import InputError
from mepflow.evaluation.calibration import CALIBRATION_FILE, Calibration
from mepflow.evaluation.ensemble_errors import error_and_spread
from mepflow.geometry.grids import grid_points
from mepflow.prediction import model_folder as module
from mepflow.prediction.csv_tables import molecule_rows
from mepflow.prediction.error_warnings import large_dipole_error, unusual_spread
from mepflow.prediction.model_folder import Ensemble
from mepflow.prediction.predictor import DomainWarning, Predictor
from mepflow.prediction.result import Prediction
from mepflow.prediction.structures import from_atoms
from mepflow.storage.shipped_files import SHIPPED_MODELS, write_checksums
from mepflow.units import E_BOHR_IN_DEBYE, HARTREE_PER_E_IN_KCAL_PER_MOL_E

PACKAGE = Path(module.__file__).parents[2]
CALIBRATIONS = {
    "mep": Calibration(0.75, 2.0, 1.5, 48, 1e3),
    "dipole": Calibration(0.25, 0.5, 2.5, 48, 1e3),
}
OF_DIPOLE = ["dipole_expected_error_debye", "dipole_error_bound_debye"]
OF_MEP = ["mep_expected_error_kcal_per_mol_e", "mep_error_bound_kcal_per_mol_e"]
SHELLS = {"kind": "shells", "scales": [1.4, 1.6, 1.8, 2.0], "points_per_angstrom2": 1.0}


def calibrate(folder: Path, **changes: Calibration) -> Path:
    content = {name: one.to_dict() for name, one in (CALIBRATIONS | changes).items()}
    (folder / CALIBRATION_FILE).write_text(json.dumps(content))
    return folder


@pytest.fixture(scope="module")
def calibrated(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("calibrated") / models.name
    return calibrate(Path(shutil.copytree(models, folder)))


@pytest.fixture(scope="module")
def prediction(calibrated: Path) -> Prediction:
    return Predictor.load(calibrated).predict(molecule("CH3CH2OH"))


def points_around(prediction: Prediction) -> np.ndarray:
    atoms = prediction.molecule
    return grid_points(SHELLS, atoms.atomic_numbers, atoms.positions)


def test_the_dipole(prediction: Prediction) -> None:
    variances = np.var(prediction.model_dipoles, axis=0, ddof=1)
    spread = np.sqrt(variances.sum()) * E_BOHR_IN_DEBYE
    expected = np.sqrt(0.25**2 + (0.5 * spread) ** 2) / E_BOHR_IN_DEBYE
    assert spread > 0.01
    assert prediction.expected_dipole_error == pytest.approx(expected, rel=1e-12)
    assert prediction.dipole_error_bound == pytest.approx(2.5 * expected, rel=1e-12)


def test_the_potential(prediction: Prediction) -> None:
    """With the spread that the calibration was made of."""
    points = points_around(prediction)
    of_models = prediction.model_potentials(points)
    spread = error_and_spread(of_models, of_models[0])[1] * HARTREE_PER_E_IN_KCAL_PER_MOL_E
    expected = np.hypot(0.75, 2.0 * spread) / HARTREE_PER_E_IN_KCAL_PER_MOL_E
    assert spread > 0.1
    assert prediction.expected_mep_error(points) == pytest.approx(expected, rel=1e-12)
    assert prediction.mep_error_bound(points) == pytest.approx(1.5 * expected, rel=1e-12)


def test_without_a_calibration(
    predictor: Predictor, calibrated: Path, models: Path, ethanol: Atoms, tmp_path: Path
) -> None:
    """A single model has no spread, whatever lies beside it."""
    file = Path(shutil.copy(models / "seed-1" / "model.pt", tmp_path))
    singles = (calibrated / "seed-1" / "model.pt", calibrate(file.parent))
    for one in (predictor, *map(Predictor.load, singles)):
        prediction = one.predict(ethanol)
        points = points_around(prediction)
        found = (prediction.expected_dipole_error, prediction.expected_mep_error(points))
        assert np.isnan([*found, prediction.mep_error_bound(points)]).all()
        assert prediction.calibrations == {}


def test_tables_hold_what_the_api_gives(
    calibrated: Path, prediction: Prediction, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    molecule("CH3CH2OH").write(tmp_path / "ethanol.xyz")
    shared = ["predict", str(tmp_path / "ethanol.xyz"), "--model", str(calibrated), "--no-cubes"]
    main([*shared, "--output", str(tmp_path / "out"), "--json", str(tmp_path / "all.json")])
    row = pd.read_csv(tmp_path / "out" / "multipoles.csv").iloc[0]
    points = points_around(prediction)
    wanted = [prediction.expected_dipole_error, prediction.dipole_error_bound]
    np.testing.assert_allclose(
        row[OF_DIPOLE].to_numpy(float), np.multiply(wanted, E_BOHR_IN_DEBYE), rtol=1e-6
    )
    wanted = [prediction.expected_mep_error(points), prediction.mep_error_bound(points)]
    np.testing.assert_allclose(
        row[OF_MEP].to_numpy(float), np.multiply(wanted, HARTREE_PER_E_IN_KCAL_PER_MOL_E), rtol=1e-6
    )
    (found,) = json.loads((tmp_path / "all.json").read_text())["molecules"]
    assert [found[name] for name in OF_MEP] == pytest.approx(row[OF_MEP].tolist(), rel=1e-8)
    printed = capsys.readouterr().out
    cells = next(line for line in printed.splitlines() if line.startswith("ethanol ")).split()
    assert cells[4:7] == ["±", *(f"{row[name]:.2f}" for name in OF_DIPOLE)]
    assert cells[-2:] == [f"{row[name]:.2f}" for name in OF_MEP]
    assert "± and error: the root-mean-square error to expect, calibrated on 48" in printed


def test_molecules_together_are_as_alone(calibrated: Path) -> None:
    """To the last bit, as everything that a batch writes."""
    structures = [from_atoms(molecule(name), 0) for name in ("H2O", "CH3OH", "HCN", "CH4")]
    predictions = list(Predictor.load(calibrated).predict_all(structures))
    together = molecule_rows(structures, predictions, [None] * len(structures))
    for structure, prediction, row in zip(structures, predictions, together, strict=True):
        (alone,) = molecule_rows([structure], [prediction], [None])
        assert [row[name] for name in OF_DIPOLE] == [alone[name] for name in OF_DIPOLE]


@pytest.mark.parametrize(
    ("is_calibrated", "only", "there", "missing"),
    [
        (True, ["--moments-only"], OF_DIPOLE, OF_MEP),
        (False, ["--no-cubes"], [], [*OF_DIPOLE, *OF_MEP]),
    ],
)
def test_columns_that_are_not_known_are_not_there(
    models: Path,
    calibrated: Path,
    water: Path,
    tmp_path: Path,
    is_calibrated: bool,
    only: list[str],
    there: list[str],
    missing: list[str],
) -> None:
    folder = calibrated if is_calibrated else models
    output = tmp_path / "out"
    main(["predict", str(water), "--model", str(folder), *only, "--output", str(output)])
    columns = pd.read_csv(output / "multipoles.csv").columns
    assert set(there) <= set(columns)
    assert not set(missing) & set(columns)


def test_a_bound_that_is_not_known_is_empty(
    models: Path, water: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(models, tmp_path / "few"))
    calibrate(folder, dipole=Calibration(0.25, 0.5, np.nan, 12, np.nan))
    main(["predict", str(water), "--model", str(folder), "--moments-only", "--output", "out"])
    row = pd.read_csv("out/multipoles.csv").iloc[0]
    assert row[OF_DIPOLE].isna().tolist() == [False, True]
    printed = capsys.readouterr().out
    line = next(line for line in printed.splitlines() if line.startswith("water "))
    assert "calibrated on 12 molecules;\n95 %: not known from so few." in printed
    assert line.split()[-3:] == ["±", f"{row[OF_DIPOLE[0]]:.2f}", "–"]


@pytest.mark.parametrize(
    ("shared", "factor", "largest", "spread", "said"),
    [
        (0.3, 2.0, 0.5, 0.1, []),
        (0.3, 2.0, np.nan, 0.3, ["expected error of its dipole is 0.67 D"]),
        (0.3, 0.1, 0.5, 0.6, ["spread of its dipole is larger"]),
        (0.3, 2.0, 0.5, 0.6, ["dipole is 1.24 D", "spread of its dipole is larger"]),
        (0.3, 2.0, np.nan, np.nan, []),
        (np.nan, np.nan, np.nan, 9.0, []),
    ],
)
def test_what_is_said_of_a_dipole(
    shared: float, factor: float, largest: float, spread: float, said: list[str]
) -> None:
    calibration = Calibration(shared, factor, 2.0, 48, largest)
    found = list(large_dipole_error(calibration, spread))
    assert len(found) == len(said)
    assert all(part in sentence for part, sentence in zip(said, found, strict=True))
    assert len(list(unusual_spread(calibration, spread, "mep"))) == (spread > largest)


@pytest.mark.parametrize(("quantity", "name"), [("dipole", "dipole"), ("mep", "potential")])
def test_unusual_spreads_are_warned_of(
    models: Path, water: Path, tmp_path: Path, quantity: str, name: str
) -> None:
    folder = Path(shutil.copytree(models, tmp_path / "narrow"))
    calibrate(folder, **{quantity: Calibration(0.1, 0.0, 2.0, 48, 1e-6)})
    command = ["predict", str(water), "--model", str(folder), "--charge", "0", "--no-cubes"]
    main([*command, "--output", "out", "--json", "all.json"])
    sentence = (
        f"the spread of its {name} is larger than any of the molecules that the error was "
        "calibrated on"
    )
    assert pd.read_csv("out/multipoles.csv")["warnings"].tolist() == [sentence]
    (found,) = json.loads(Path("all.json").read_text())["molecules"]
    assert found["warnings"] == [sentence]
    if quantity == "dipole":
        with pytest.warns(DomainWarning, match=sentence):
            Predictor.load(folder).predict(molecule("H2O"))


def test_a_calibration_belongs_to_the_models(models: Path, calibrated: Path) -> None:
    """Another one begins a stopped call anew; a damaged one is named."""
    one, other = Ensemble.load(models), Ensemble.load(calibrated)
    assert one.calibrations == {}
    assert other.calibrations == CALIBRATIONS
    assert one.digest != other.digest


def test_a_calibration_without_molecules_is_none(models: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(models, tmp_path / "none"))
    nothing = Calibration.of(np.ones(1), np.ones(1))
    calibrate(folder, mep=nothing)
    assert Ensemble.load(folder).calibrations["dipole"] == CALIBRATIONS["dipole"]
    calibrate(folder, mep=nothing, dipole=nothing)
    assert Ensemble.load(folder).calibrations == {}


def test_a_damaged_calibration_is_named(models: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(models, tmp_path / "damaged"))
    (folder / CALIBRATION_FILE).write_text("{")
    with pytest.raises(InputError, match=r"calibration\.json holds no calibration .* or delete it"):
        Ensemble.load(folder)


def test_the_shipped_calibration_is_checked(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"seed-{seed}.pt" for seed in (1, 2)]
    for seed, name in zip((1, 2), names, strict=True):
        shutil.copyfile(models / f"seed-{seed}" / "model.pt", tmp_path / name)
    calibrate(tmp_path)
    monkeypatch.setitem(SHIPPED_MODELS, "default", tmp_path)
    write_checksums(tmp_path, names)
    assert Ensemble.load().calibrations == {}
    write_checksums(tmp_path, [*names, CALIBRATION_FILE])
    assert Ensemble.load().calibrations == CALIBRATIONS
    calibrate(tmp_path, dipole=CALIBRATIONS["mep"])
    with pytest.raises(InputError, match=r"calibration\.json is not the file that came with"):
        Ensemble.load()


def test_a_calibration_is_read_without_scipy_and_pandas() -> None:
    """A prediction starts in a moment."""
    code = (
        f"import sys; sys.path.insert(0, {str(PACKAGE)!r})\n"
        "import mepflow.evaluation.calibration\n"
        "sys.exit(bool({'scipy', 'pandas'} & sys.modules.keys()))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

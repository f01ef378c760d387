"""Predictions of electron densities: the same files as of multipoles, out of coefficients."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cases.density_cases import ETHANOL, POSITIONS, network, tables
from mepflow.__main__ import main
from mepflow.densities.density_functions import density, molecular_potential
from mepflow.densities.density_model import DensityModel
from mepflow.densities.density_moments import molecular_moments
from mepflow.densities.free_atoms import superposed_atoms
from mepflow.densities.isodensity_surface import ISODENSITY
from mepflow.errors import InputError
from mepflow.molecules import Molecule
from mepflow.prediction.density_prediction import NUCLEUS_BOHR, DensityPrediction
from mepflow.prediction.model_kinds import load_models
from mepflow.prediction.predictor import Predictor
from mepflow.prediction.structures import Structure
from mepflow.units import BOHR_IN_ANGSTROM, E_BOHR_IN_DEBYE, HARTREE_PER_E_IN_KCAL_PER_MOL_E

MOLECULE = Molecule("ethanol", ETHANOL.astype(np.uint8), POSITIONS)
DOMAIN = {
    "molecules": 30, "atoms": [9, 9], "elements": {"H": 30, "C": 30, "O": 30}, "total_charges": [0]
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of two density models with random weights."""
    where = tmp_path_factory.mktemp("density")
    _, atoms, blocks = tables()
    for seed in (1, 2):
        made = network(seed=seed)
        path = where / f"seed-{seed}" / "model.pt"
        path.parent.mkdir()
        weights = {name: values.float() for name, values in made.state_dict().items()}
        DensityModel(made, atoms, blocks, 7.0, {"domain": DOMAIN}).save(path, weights)
    return where


@pytest.fixture(scope="module")
def prediction(folder: Path) -> DensityPrediction:
    predictor = Predictor.load(folder, double_precision=True)
    (found,) = predictor.predict_all([Structure(MOLECULE, "ethanol.xyz", "stated")])
    assert isinstance(found, DensityPrediction)
    return found


def xyz(molecule: Molecule, symbols: str) -> str:
    rows = zip(symbols.split(), molecule.positions * BOHR_IN_ANGSTROM, strict=True)
    lines = [f"{symbol} {x:.8f} {y:.8f} {z:.8f}" for symbol, (x, y, z) in rows]
    return "\n".join([str(len(lines)), "", *lines, ""])


def test_all_follows_from_the_mean_coefficients(prediction: DensityPrediction) -> None:
    atoms = (tables()[0], ETHANOL, POSITIONS, prediction.coefficients)
    points = POSITIONS.mean(axis=0) + np.array([[0.3, 4.0, 1.0], [7.0, 1.0, 0.0]])
    np.testing.assert_allclose(
        prediction.potential(points), molecular_potential(*atoms, points), rtol=1e-12
    )
    np.testing.assert_allclose(prediction.density(points), density(*atoms, points), rtol=1e-12)
    electrons, dipole, quadrupole = molecular_moments(*atoms)
    assert electrons == pytest.approx(26.0, abs=1e-9)
    np.testing.assert_allclose(prediction.dipole, dipole, atol=1e-10)
    np.testing.assert_allclose(prediction.quadrupole, quadrupole, atol=1e-10)
    assert prediction.model_potentials(points).shape == (2, 2)
    assert prediction.charges.sum() == pytest.approx(0.0, abs=1e-10)
    step = 1e-4
    for axis, ahead in enumerate(step * np.eye(3)):
        slope = (prediction.potential(points + ahead) - prediction.potential(points - ahead)) / (
            2.0 * step
        )
        np.testing.assert_allclose(prediction.field(points)[:, axis], -slope, atol=1e-7)


def test_a_nucleus_is_a_sphere_in_a_cube_and_refused_as_a_point(
    prediction: DensityPrediction,
) -> None:
    ahead = POSITIONS[2] + np.array([NUCLEUS_BOHR, 0.0, 0.0])
    at = prediction.potential(POSITIONS[2:3], radii=np.ones(9))
    assert at[0] == pytest.approx(prediction.potential(ahead[None])[0], rel=0.02)
    with pytest.raises(ValueError, match="lies on an atom"):
        prediction.potential(POSITIONS[2:3])


def test_the_surface_is_that_of_the_density() -> None:
    basis, atoms, _ = tables()
    coefficients = superposed_atoms(ETHANOL, atoms)[None]
    found = DensityPrediction.of(MOLECULE, basis, coefficients, "fitted", ())
    surface = found.surface()
    np.testing.assert_allclose(found.density(surface.vertices), ISODENSITY, rtol=1e-3)
    assert 300.0 < surface.volume() < 1500.0  # positive: triangles are seen from outside


def test_the_command_writes_what_it_writes_of_multipoles(
    folder: Path, prediction: DensityPrediction, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ethanol.xyz").write_text(xyz(MOLECULE, "C C O H H H H H H"))
    apart = Molecule("apart", np.array([1, 8, 1, 1, 8, 1], np.uint8), np.zeros((6, 3)))
    water = np.array([[0.0, 1.43, -0.9], [0.0, 0.1, 0.2], [0.2, -1.43, -0.9]])
    apart.positions[:3], apart.positions[3:] = water, water + 30.0
    (tmp_path / "apart.xyz").write_text(xyz(apart, "H O H H O H"))
    (tmp_path / "sulphide.xyz").write_text("3\n\nS 0 0 0\nH 0 1 1\nH 0 1 -1\n")
    (tmp_path / "points.txt").write_text("0 3 1\n4 0 0\n")
    output = tmp_path / "out"
    names = [str(tmp_path / f"{name}.xyz") for name in ("ethanol", "apart", "sulphide")]
    options = ["--points", str(tmp_path / "points.txt"), "--unit", "hartree/e", "--surface"]
    options += ["--spacing", "0.8", "--double-precision", "--format", "sdf", "--charge", "1"]
    status = main(["predict", *names, "--model", str(folder), "--output", str(output), *options])
    assert status == 1
    rows = pd.read_csv(output / "multipoles.csv").set_index("name")
    said = capsys.readouterr().out
    assert "electron density: mean and spread of 2 models, trained with 30 molecules" in said
    assert "has no atomic charges" in said
    assert "0.001 e/bohr³" in said
    assert "contains S, which the model electron density" in rows.loc["sulphide", "failure"]
    assert "predict each part by itself" in rows.loc["apart", "failure"]
    assert "its total charge is +1" in rows.loc["ethanol", "warnings"]
    assert rows.loc["ethanol", "dipole_norm_debye"] > 0.0
    atoms = pd.read_csv(output / "atoms.csv")
    assert not [name for name in atoms if name.startswith("atomic_")]
    assert atoms["charge_e"].sum() == pytest.approx(1.0, abs=1e-6)
    at = pd.read_csv(output / "ethanol-points.csv")
    assert len(at) == 2
    assert at["mep_hartree_per_e"].notna().all()
    extrema = pd.read_csv(output / "surface_extrema.csv")
    assert {*extrema["kind"]} <= {"maximum", "minimum"}
    assert len(extrema)
    heads = {
        kind: (output / f"ethanol{kind}.cube").read_text().splitlines()[:2]
        for kind in ("", "-density")
    }
    assert heads[""] == [
        "MEP of ethanol in hartree/e, predicted by mepflow",
        "nuclei and electron density; lengths in bohr",
    ]
    assert heads["-density"][0] == "Electron density of ethanol in e/bohr^3, predicted by mepflow"
    again = ["predict", names[0], "--model", str(folder), "--format", "amoeba"]
    assert main([*again, "--output", str(output)]) == 2
    assert "needs atomic multipoles" in capsys.readouterr().err
    values = np.array((output / "ethanol-density.cube").read_text().split("\n", 15)[15].split())
    assert float(values.astype(float).max()) > 0.05


def test_points_have_potential_and_field_of_the_prediction(
    prediction: DensityPrediction, tmp_path: Path
) -> None:
    from mepflow.prediction.points_table import write_points

    points = POSITIONS.mean(axis=0) + np.array([[0.0, 6.0, 0.0]])
    write_points(tmp_path / "p.csv", prediction, points, "kcal/mol/e", {"H": 0.4})
    (row,) = pd.read_csv(tmp_path / "p.csv").to_dict("records")
    expected = prediction.potential(points)[0] * HARTREE_PER_E_IN_KCAL_PER_MOL_E
    assert row["mep_kcal_per_mol_e"] == pytest.approx(expected, rel=1e-8)


def test_kinds_of_models_are_told_apart(folder: Path, models: Path, tmp_path: Path) -> None:
    assert load_models(folder / "seed-1" / "model.pt").has_atomic_terms is False
    assert load_models(models).has_atomic_terms is True
    for number, path in enumerate((folder / "seed-1", next(models.glob("seed-*")))):
        shutil.copytree(path, tmp_path / f"seed-{number}")
    with pytest.raises(InputError, match="multipoles and of densities"):
        load_models(tmp_path)


def test_an_ase_calculator_gives_the_dipole(folder: Path, prediction: DensityPrediction) -> None:
    from ase import Atoms

    atoms = Atoms(ETHANOL, POSITIONS * BOHR_IN_ANGSTROM)
    atoms.calc = Predictor.load(folder, double_precision=True).calculator()
    length = np.linalg.norm(atoms.get_dipole_moment()) / BOHR_IN_ANGSTROM * E_BOHR_IN_DEBYE
    expected = np.linalg.norm(prediction.dipole) * E_BOHR_IN_DEBYE
    assert length == pytest.approx(expected, rel=1e-6)

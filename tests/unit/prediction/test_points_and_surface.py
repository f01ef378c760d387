"""Potential and field at points, and what is said of a surface: against closed forms."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mepflow
from mepflow.__main__ import main
from mepflow.errors import InputError
from mepflow.geometry.surface_extrema import extrema
from mepflow.geometry.surfaces import van_der_waals_surface
from mepflow.molecules import Molecule
from mepflow.prediction import command
from mepflow.prediction.outcome_tables import SURFACE_TABLES
from mepflow.prediction.points_table import UNITS, read_points
from mepflow.prediction.surface_properties import statistics
from mepflow.prediction.surface_tables import EXTREMA, SURFACES
from mepflow.units import ANGSTROM_IN_BOHR, BOHR_IN_ANGSTROM, HARTREE_IN_EV

POINTS = np.array([[3.0, 0.5, -1.0], [0.0, -4.0, 2.0], [1.0, 1.0, 5.0]])


def test_names_on_the_command_line_are_those_of_the_catalogue() -> None:
    assert tuple(UNITS) == command.UNITS
    assert SURFACE_TABLES == (SURFACES, EXTREMA)


@pytest.mark.parametrize("kind", ["npy", "xyz", "csv", "txt"])
def test_points_are_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"points.{kind}"
    if kind == "npy":
        np.save(path, POINTS)
    else:
        head = "3\npoints\n" if kind == "xyz" else "# in angstrom\n\n"
        separator, start = ("," if kind == "csv" else " "), ("X " if kind == "xyz" else "")
        rows = [start + separator.join(map(str, row)) for row in POINTS]
        path.write_text(head + "\n".join(rows) + "\n")
    np.testing.assert_allclose(read_points(path) * BOHR_IN_ANGSTROM, POINTS, rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", b"1 2 3\n1 2\n", "a.txt, line 2: write three numbers"),
        ("a.xyz", b"1\n\nH 1 2\n", "a.xyz, line 3: write three numbers"),
        ("a.csv", b"1,2,x\n", "a.csv, line 1: write three numbers"),
        ("a.txt", b"1 2 nan\n", "a point that is no number"),
        ("a.txt", b"", "an array of shape"),
        ("a.npy", b"no array", "holds no points"),
        ("a.txt", b"\xff\xfe\x00", "a.txt, line 1: write three numbers"),
    ],
)
def test_what_is_no_points(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_points(tmp_path / name)


@pytest.mark.parametrize("unit", ["V", "hartree/e"])
def test_potential_and_field_at_points(
    models: Path, water: Path, tmp_path: Path, unit: str
) -> None:
    np.save(tmp_path / "p.npy", POINTS)
    options = ["--model", str(models), "--points", str(tmp_path / "p.npy"), "--unit", unit]
    assert main(["predict", str(water), *options, "--output", str(tmp_path / "out")]) == 0
    table = pd.read_csv(tmp_path / "out" / "water-points.csv")
    prediction = mepflow.load(models).predict(water_of(water))
    at, h = POINTS * ANGSTROM_IN_BOHR, 1e-3
    factor, length = (HARTREE_IN_EV, ANGSTROM_IN_BOHR) if unit == "V" else (1.0, 1.0)
    name = "volt" if unit == "V" else "hartree_per_e"
    np.testing.assert_allclose(table[f"mep_{name}"], prediction.potential(at) * factor, rtol=1e-8)
    per = f"{name}_{'angstrom' if unit == 'V' else 'bohr'}"
    for k, axis in enumerate("xyz"):
        step = h * np.eye(3)[k]
        slope = (prediction.potential(at + step) - prediction.potential(at - step)) / (2 * h)
        found = table[f"field_{axis}_{per}"]
        np.testing.assert_allclose(found, -slope * factor * length, rtol=1e-5)
        np.testing.assert_allclose(prediction.field(at)[:, k] * factor * length, found, rtol=1e-8)


def water_of(path: Path):
    from ase.io import read

    return read(path)


def test_a_point_on_an_atom_costs_the_molecule(
    models: Path, water: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "p.txt").write_text("0 0 0.1173\n")
    options = ["--model", str(models), "--points", str(tmp_path / "p.txt")]
    assert main(["predict", str(water), *options, "--output", str(tmp_path / "out")]) == 2
    assert "one of the points lies on an atom" in capsys.readouterr().err


def test_a_linear_potential_on_a_sphere_has_closed_forms() -> None:
    """V = z: means ±R/2, variances R²/12, Π = R/2, ν = 1/4, and the poles."""
    molecule = Molecule("x", np.array([10], np.uint8), np.array([[1.0, 2.0, 3.0]]))
    surface = van_der_waals_surface(molecule.atomic_numbers, molecule.positions, spacing_bohr=0.25)
    values = surface.vertices[:, 2] - 3.0
    radius = 1.54 * ANGSTROM_IN_BOHR
    found = statistics(surface, values)
    assert found["area"] == pytest.approx(4 * np.pi * 1.54**2, rel=5e-3)
    assert found["area_positive"] == pytest.approx(found["area"] / 2, rel=0.02)
    assert found["mean"] == pytest.approx(0.0, abs=1e-3)
    for sign, name in ((1, "positive"), (-1, "negative")):
        assert found[f"mean_{name}"] == pytest.approx(sign * radius / 2, rel=0.02)
        assert found[f"variance_{name}"] == pytest.approx(radius**2 / 12, rel=0.03)
    assert found["average_deviation"] == pytest.approx(radius / 2, rel=0.01)
    assert found["balance"] == pytest.approx(0.25, rel=1e-3)
    highest, lowest = extrema(surface, values)
    assert highest.is_maximum
    assert surface.vertices[highest.vertex] == pytest.approx([1.0, 2.0, 3.0 + radius], abs=0.12)
    assert not lowest.is_maximum
    assert lowest.value == pytest.approx(-radius, abs=0.01)


def test_a_surface_of_one_sign_has_no_mean_of_the_other() -> None:
    molecule = Molecule("x", np.array([10], np.uint8), np.zeros((1, 3)))
    surface = van_der_waals_surface(molecule.atomic_numbers, molecule.positions)
    found = statistics(surface, 1.0 + 0.1 * surface.vertices[:, 0])
    assert np.isnan([found["mean_negative"], found["variance_negative"]]).all()
    assert found["variance_total"] == found["variance_positive"]
    assert found["balance"] == 0.0


def test_surfaces_are_written(models: Path, water: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ["--model", str(models), "--surface", "--no-cubes", "--output", str(out)]
    assert main(["predict", str(water), *options]) == 0
    row = pd.read_csv(out / SURFACES).iloc[0]
    peaks = pd.read_csv(out / EXTREMA)
    assert row["mep_highest_kcal_per_mol_e"] == peaks["mep_kcal_per_mol_e"].max()
    assert row["mep_lowest_kcal_per_mol_e"] == peaks["mep_kcal_per_mol_e"].min()
    assert set(peaks["kind"]) == {"maximum", "minimum"}
    lines = (out / "water-surface.ply").read_text().splitlines()
    vertices, faces = (int(lines[k].split()[-1]) for k in (4, 12))
    assert len(lines) == 15 + vertices + faces
    first = np.array(lines[15].split(), float)
    assert np.abs(first[:3]).max() < 3.0
    assert max(int(word) for line in lines[15 + vertices :] for word in line.split()[1:]) == (
        vertices - 1
    )

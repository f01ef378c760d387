"""Errors by distance, nearest element and kind of molecule, against numbers done by hand."""

import numpy as np
import pandas as pd
import pytest

from mepflow.evaluation.breakdown import (
    breakdown,
    distance_parts,
    element_parts,
    surface_distances,
)
from mepflow.evaluation.sources import Source
from mepflow.geometry.radii import bondi_radii
from mepflow.molecules import GridValues, Molecule, MoleculeTable
from mepflow.tables.breakdown_table import breakdown_table, write_breakdown_table
from mepflow.units import ANGSTROM_IN_BOHR, HARTREE_PER_E_IN_KCAL_PER_MOL_E

NUMBERS = np.array([1, 9], np.uint8)
POSITIONS = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.75]])
RADII = bondi_radii(NUMBERS)


def test_distances_are_those_from_the_nearest_sphere() -> None:
    points = np.array([[0, 0, -RADII[0] - 1.0], [0, 0, 1.75 + RADII[1] + 0.5], [9.0, 0, 1.75]])
    distances, atoms = surface_distances(points, NUMBERS, POSITIONS)
    np.testing.assert_allclose(distances, [1.0, 0.5, 9.0 - RADII[1]])
    assert atoms.tolist() == [0, 1, 1]


def test_bins_are_a_quarter_of_an_angstrom_and_hold_every_point_once() -> None:
    distances = np.array([-1e-10, 0.1, 0.26, 0.74, 0.75, 2.9]) * ANGSTROM_IN_BOHR
    parts = distance_parts(distances)
    assert [part.name for part in parts] == [
        "0.00 to 0.25 Å",
        "0.25 to 0.50 Å",
        "0.50 to 0.75 Å",
        "0.75 to 1.00 Å",
        "2.75 to 3.00 Å",
    ]
    assert [part.points.tolist() for part in parts] == [[0, 1], [2], [3], [4], [5]]
    assert parts[0].order == 0.125


def test_elements_are_chosen_among_the_given_points() -> None:
    parts = element_parts(np.array([3, 5, 8]), np.array([9, 1, 9], np.uint8))
    assert [(part.name, part.points.tolist()) for part in parts] == [("H", [5]), ("F", [3, 8])]


@pytest.fixture
def files(tmp_path):
    """Two molecules whose reference is the MEP of a unit charge at the origin, and predictions."""
    near = np.array([[0.0, 0.0, -RADII[0] - 0.1], [0.0, 0.0, -6.0]])
    far = np.array([[0.0, 0.0, -RADII[0] - 2.0]])
    molecules = [Molecule(key, NUMBERS, POSITIONS, 1, "F") for key in ("a", "b")]

    def values(points):
        return points, 1.0 / np.linalg.norm(points, axis=1)

    MoleculeTable.from_molecules(
        molecules,
        grids={
            "mk": GridValues.from_ragged([values(near), values(near)]),
            "shell": GridValues.from_ragged([values(far), values(far)]),
        },
    ).save(tmp_path / "reference.h5")
    sources = []
    for seed, charge in ((1, 1.1), (2, 0.7)):
        path = tmp_path / f"{seed}.h5"
        charges = [np.array([charge, 0.0]), np.array([1.0, 0.0])]
        MoleculeTable.from_molecules(molecules, {"atomic_charges": charges}).save(path)
        sources.append(Source("AC-D", seed, path))
    return sources, tmp_path / "reference.h5"


def test_errors_of_a_part_are_over_its_points_alone(files) -> None:
    errors = breakdown(*files, "mk")
    first = errors[(errors["id"] == "a") & (errors["seed"] == 1)].set_index(["by", "part"])
    unit = HARTREE_PER_E_IN_KCAL_PER_MOL_E
    near, middle, far = 1 / (RADII[0] + 0.1), 1 / 6.0, 1 / (RADII[0] + 2.0)
    rmse = first["rmse_kcal_per_mol_e"]
    assert rmse["distance", "0.00 to 0.25 Å"] == pytest.approx(0.1 * near * unit)
    assert rmse["distance", "1.00 to 1.25 Å"] == pytest.approx(0.1 * far * unit)
    on_mk = 0.1 * unit * np.sqrt((near**2 + middle**2) / 2)
    assert rmse["element", "H"] == pytest.approx(on_mk)  # both points of the headline grid
    assert rmse["group", "all"] == pytest.approx(on_mk)
    sizes = first["reference_rms_kcal_per_mol_e"]
    assert sizes["distance", "0.00 to 0.25 Å"] == pytest.approx(near * unit)
    assert first["n_points"]["group", "fluorine"] == 2


def test_table_averages_over_seeds_and_takes_medians_over_molecules(files, tmp_path) -> None:
    table = breakdown_table(breakdown(*files, "mk"), ["AC-D"])
    row = table[table["part"] == "0.00 to 0.25 Å"].iloc[0]
    # Errors of 0.1 and 0.3 charges of molecule a, none of b.
    expected = (0.2 + 0.0) / 2 / (RADII[0] + 0.1) * HARTREE_PER_E_IN_KCAL_PER_MOL_E
    assert row["median_rmse_kcal_per_mol_e"] == pytest.approx(expected)
    assert row["n_structures"] == 2
    assert row["n_seeds"] == 2
    assert row["n_points"] == 2
    assert list(table["by"].unique()) == ["distance", "element", "group"]
    orders = table.loc[table["by"] == "distance", "order"]
    assert orders.is_monotonic_increasing
    write_breakdown_table(*files, "mk", tmp_path / "t.csv", tmp_path / "t.md")
    assert len(pd.read_csv(tmp_path / "t.csv")) == len(table)
    markdown = (tmp_path / "t.md").read_text().splitlines()
    assert [line for line in markdown if line.startswith("#")] == [
        "# Where the potential is wrong",
        "## By distance from the van der Waals surface (Å)",
        "## By nearest element",
        "## By kind of molecule",
    ]
    # Of each part a row for the variant and one for no model at all.
    rows = [line.strip("|").split("|")[0].strip() for line in markdown if line[:1] == "|"]
    assert [row for row in rows if row[:1] != ":"] == 3 * [
        *("Representation", "AC-D", "No model (V = 0)")
    ]

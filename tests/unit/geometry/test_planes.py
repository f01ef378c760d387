from dataclasses import replace

import numpy as np
import pytest

from mepflow.errors import InputError
from mepflow.geometry.planes import Plane, plane_values
from mepflow.geometry.stored_grids import metric_grids
from mepflow.molecules import GridValues, Molecule, MoleculeTable

PLANE = Plane(
    (2, 3), np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0]), 0.5
)


@pytest.fixture
def table():
    molecules = [Molecule(name, np.array([1], np.uint8), np.zeros((1, 3))) for name in "ab"]
    points = PLANE.points()
    values = np.arange(6.0)
    return MoleculeTable.from_molecules(
        molecules,
        grids={
            "plane": GridValues.from_ragged([(points[:0], values[:0]), (points, values)]),
            "mk": GridValues.from_ragged([(points, values), (points, values)]),
        },
        metadata={
            "grids": {"plane": {"b": PLANE.to_metadata()}},
            "grid_settings": {"plane": {"kind": "plane"}, "mk": {"kind": "shells"}},
        },
    )


def test_points_are_row_major_with_v_the_fast_axis():
    points = PLANE.points()
    assert points.shape == (6, 3)
    np.testing.assert_allclose(points[:4, 1], [2.0, 2.0, 2.0, 2.5])
    np.testing.assert_allclose(points[:4, 2], [3.0, 3.5, 4.0, 3.0])


def test_projection_undoes_the_points():
    u, v, height = PLANE.project(PLANE.points() + 0.7 * np.array([1.0, 0.0, 0.0])).T
    np.testing.assert_allclose(u, [0, 0, 0, 0.5, 0.5, 0.5], atol=1e-15)
    np.testing.assert_allclose(v, [0, 0.5, 1.0, 0, 0.5, 1.0], atol=1e-15)
    np.testing.assert_allclose(height, 0.7)


def test_metadata_round_trip():
    again = Plane.from_metadata(PLANE.to_metadata())
    np.testing.assert_array_equal(again.points(), PLANE.points())


def test_planes_are_not_measured_on(table):
    assert metric_grids(table) == ["mk"]


def test_the_written_kind_decides_not_the_shape_of_other_metadata(table):
    settings = {"plane": {"kind": "shells"}, "mk": {"kind": "surface"}}
    changed = replace(table, metadata={**table.metadata, "grid_settings": settings})
    assert metric_grids(changed) == ["plane"]
    bare = replace(table, metadata={})
    assert metric_grids(bare) == ["mk", "plane"]


def test_values_of_a_molecules_plane(table):
    plane, points, values = plane_values(table, "b", "plane")
    assert plane.shape == (2, 3)
    assert points.shape == (6, 3)
    np.testing.assert_array_equal(values, np.arange(6.0))


@pytest.mark.parametrize(("molecule", "grid"), [("a", "plane"), ("c", "plane"), ("b", "other")])
def test_a_molecule_without_plane_is_refused(table, molecule, grid):
    with pytest.raises(InputError, match=f"holds no grid '{grid}' of {molecule}"):
        plane_values(table, molecule, grid)


def test_points_that_are_not_the_described_ones_are_refused(table):
    description = {**PLANE.to_metadata(), "shape": [3, 2]}
    other = replace(table, metadata={"grids": {"plane": {"b": description}}})
    with pytest.raises(InputError, match="not those of its description"):
        plane_values(other, "b", "plane")

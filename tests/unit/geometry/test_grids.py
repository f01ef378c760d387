"""Grids of the MEP."""

from typing import Any

import numpy as np
import pytest

from mepflow.errors import ConfigError, InputError
from mepflow.geometry.grids import grid_points, picture_metadata, plane_of
from mepflow.geometry.radii import bondi_radii
from mepflow.geometry.surfaces import van_der_waals_surface
from mepflow.units import ANGSTROM_IN_BOHR

NUMBERS = np.array([8, 1, 1], dtype=np.uint8)
POSITIONS = np.array([[0.0, 0.0, 0.2], [1.5, 0.0, -0.9], [-1.5, 0.0, -0.9]])
SHELLS: dict[str, Any] = {"kind": "shells", "scales": [1.4, 2.0], "points_per_angstrom2": 2.0}
BOX: dict[str, Any] = {
    "kind": "box",
    "spacing_angstrom": 0.5,
    "inner_scale": 1.0,
    "outer_angstrom": 2.8,
}
PLANE: dict[str, Any] = {"kind": "plane", "spacing_angstrom": 0.3, "margin_angstrom": 2.0}
SURFACE: dict[str, Any] = {
    "kind": "surface",
    "scale": 1.2,
    "spacing_angstrom": 0.3,
    "smoothing_angstrom": 0.0,
}


def relative_distances(points: np.ndarray) -> np.ndarray:
    """Return the smallest distance over radius of each point."""
    distances = np.linalg.norm(points[:, None] - POSITIONS[None], axis=-1)
    return (distances / bondi_radii(NUMBERS)).min(axis=1)


def test_shells_lie_on_the_scaled_radii() -> None:
    relative = relative_distances(grid_points(SHELLS, NUMBERS, POSITIONS))
    nearest_scale = np.where(relative < 1.7, 1.4, 2.0)
    np.testing.assert_allclose(relative, nearest_scale, rtol=1e-8)
    assert {1.4, 2.0} == set(nearest_scale)


def test_a_lone_atom_has_the_density_of_points_asked_for() -> None:
    points = grid_points(SHELLS, NUMBERS[:1], POSITIONS[:1])
    radius = bondi_radii(NUMBERS[:1])[0] / ANGSTROM_IN_BOHR
    area = 4 * np.pi * radius**2 * (1.4**2 + 2.0**2)
    assert len(points) == pytest.approx(2.0 * area, abs=2)
    # Evenly spread: the points of each sphere balance.
    inner = points[np.linalg.norm(points - POSITIONS[0], axis=1) < 1.7 * radius * ANGSTROM_IN_BOHR]
    np.testing.assert_allclose(inner.mean(axis=0), POSITIONS[0], atol=0.02)


def test_box_keeps_its_distances_and_its_spacing() -> None:
    points = grid_points(BOX, NUMBERS, POSITIONS)
    assert relative_distances(points).min() >= 1.0 - 1e-8
    distances = np.linalg.norm(points[:, None] - POSITIONS[None], axis=-1)
    assert distances.min(axis=1).max() <= 2.8 * ANGSTROM_IN_BOHR
    steps = np.diff(np.unique(points[:, 0].round(9)))
    np.testing.assert_allclose(steps, 0.5 * ANGSTROM_IN_BOHR, rtol=1e-6)


def test_box_moves_with_the_molecule() -> None:
    shift = np.array([0.3, -1.1, 2.0])
    moved = grid_points(BOX, NUMBERS, POSITIONS + shift)
    np.testing.assert_allclose(moved, grid_points(BOX, NUMBERS, POSITIONS) + shift, atol=1e-9)


def test_plane_holds_the_atoms_of_a_planar_molecule() -> None:
    plane = plane_of(PLANE, NUMBERS, POSITIONS)
    points = plane.points()
    assert points.shape == (plane.shape[0] * plane.shape[1], 3)
    np.testing.assert_allclose(points[:, 1], 0.0, atol=1e-12)
    second = points[1] - points[0]
    np.testing.assert_allclose(second, plane.spacing_bohr * plane.axis_v, atol=1e-12)
    margin = 2.0 * ANGSTROM_IN_BOHR
    assert points[:, 0].min() <= -1.5 - margin + 1e-9
    assert points[:, 0].max() >= 1.5 + margin - 1e-9
    np.testing.assert_array_equal(grid_points(PLANE, NUMBERS, POSITIONS), points)


def test_surface_lies_on_the_scaled_radii_and_is_described() -> None:
    points = grid_points(SURFACE, NUMBERS, POSITIONS)
    np.testing.assert_allclose(relative_distances(points), 1.2, atol=0.01)
    description = picture_metadata(SURFACE, NUMBERS, POSITIONS)
    assert description is not None
    again = van_der_waals_surface(NUMBERS, POSITIONS, **description)
    np.testing.assert_array_equal(again.vertices, points)
    assert description["spacing_bohr"] == pytest.approx(0.3 * ANGSTROM_IN_BOHR)
    assert picture_metadata(SHELLS, NUMBERS, POSITIONS) is None


@pytest.mark.parametrize(
    "settings", [SHELLS, BOX, PLANE, SURFACE], ids=lambda row: str(row["kind"])
)
def test_every_element_of_spice_has_a_grid(settings: dict[str, Any]) -> None:
    """H Li B C N O F Na Mg Si P S Cl K Ca Br I: points outside each alone, none inside."""
    for number in (1, 3, 5, 6, 7, 8, 9, 11, 12, 14, 15, 16, 17, 19, 20, 35, 53):
        numbers = np.array([number, 1], dtype=np.uint8)
        positions = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 3.0]])
        points = grid_points(settings, numbers, positions)
        assert len(points) > 10
        if settings["kind"] != "plane":
            distances = np.linalg.norm(points[:, None] - positions[None], axis=-1)
            assert (distances / bondi_radii(numbers)).min() >= 1.0 - 1e-8


def test_unknown_kind_and_element_are_refused() -> None:
    with pytest.raises(ConfigError, match="cube"):
        grid_points({"kind": "cube"}, NUMBERS, POSITIONS)
    with pytest.raises(InputError, match="Fe"):
        grid_points(SHELLS, np.array([26], dtype=np.uint8), np.zeros((1, 3)))

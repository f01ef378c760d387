"""Molecular surfaces: measures against analytic ones, closedness, and the way through a table."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from mepflow.errors import InputError
from mepflow.geometry.radii import bondi_radii
from mepflow.geometry.stored_grids import metric_grids
from mepflow.geometry.surfaces import (
    Surface,
    signed_distance,
    surface_values,
    van_der_waals_surface,
)
from mepflow.molecules import GridValues, Molecule, MoleculeTable

NUMBERS = np.array([6, 8, 1, 1], np.uint8)  # formaldehyde
POSITIONS = np.array([[0.0, 0, -1.0], [0, 0, 1.28], [1.77, 0, -2.1], [-1.77, 0, -2.1]])
DESCRIPTION = {"scale": 1.0, "spacing_bohr": 0.6, "smoothing_bohr": 0.2}


def edges(surface: Surface) -> Counter:
    pairs = surface.triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    return Counter(map(tuple, pairs.tolist()))


def test_one_sphere_has_its_area_and_its_volume() -> None:
    for scale in (1.0, 1.4):
        radius = scale * bondi_radii([6])[0]
        surface = van_der_waals_surface([6], np.ones((1, 3)), scale=scale, spacing_bohr=0.25)
        distances = np.linalg.norm(surface.vertices - 1.0, axis=1)
        np.testing.assert_allclose(distances, radius, atol=1e-6)
        # Chords lie inside: both are too small by terms of the second order in the spacing.
        area = 4 * np.pi * radius**2
        assert 0.997 * area < surface.area() < area
        volume = 4 / 3 * np.pi * radius**3
        assert 0.995 * volume < surface.volume() < volume


def test_two_overlapping_spheres_have_the_area_and_the_volume_of_two_caps() -> None:
    radius, half = bondi_radii([6])[0], 1.45
    positions = np.array([[0.3, 0.1, -half], [0.3, 0.1, half]])
    surface = van_der_waals_surface([6, 6], positions, spacing_bohr=0.25, smoothing_bohr=0.0)
    height = radius - half
    area = 8 * np.pi * radius**2 - 4 * np.pi * radius * height
    volume = 2 * (4 / 3 * np.pi * radius**3 - np.pi * height**2 * (3 * radius - height) / 3)
    assert surface.area() == pytest.approx(area, rel=5e-3)
    assert surface.volume() == pytest.approx(volume, rel=5e-3)


def test_smoothing_fills_the_crease_and_leaves_the_poles() -> None:
    positions = np.array([[0.0, 0.0, -1.6], [0.0, 0.0, 1.6]])
    radii = bondi_radii([6, 6])
    ring = np.array([[np.sqrt(radii[0] ** 2 - 1.6**2), 0.0, 0.0]])
    pole = np.array([[0.0, 0.0, 1.6 + radii[0]]])
    assert signed_distance(ring, positions, radii, 0.0) == pytest.approx(0.0, abs=1e-12)
    assert signed_distance(ring, positions, radii, 0.2) == pytest.approx(-0.2 * np.log(2))
    assert signed_distance(pole, positions, radii, 0.2) == pytest.approx(0.0, abs=1e-6)


def test_surface_is_closed_and_turned_outwards() -> None:
    surface = van_der_waals_surface(NUMBERS, POSITIONS)
    count = edges(surface)
    assert set(count.values()) == {1}  # each edge once in each direction
    assert all((b, a) in count for a, b in count)
    assert len(np.unique(surface.triangles)) == len(surface.vertices)
    assert len(surface.vertices) - len(count) // 2 + len(surface.triangles) == 2  # Euler
    assert surface.volume() > 0.0
    outside = surface.vertices + 0.05 * surface.normals()
    assert signed_distance(outside, POSITIONS, bondi_radii(NUMBERS), 0.2).min() > 0.0
    assert surface.vertex_areas().sum() == pytest.approx(surface.area())


def test_area_does_not_hang_on_the_frame() -> None:
    rotation, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))
    one = van_der_waals_surface(NUMBERS, POSITIONS)
    turned = van_der_waals_surface(NUMBERS, POSITIONS @ rotation.T)
    moved = van_der_waals_surface(NUMBERS, POSITIONS + 0.37)
    assert turned.area() == pytest.approx(one.area(), rel=2e-3)
    assert moved.area() == pytest.approx(one.area(), rel=1e-6)


def test_same_geometry_gives_the_same_bits_and_the_last_bit_does_not_matter() -> None:
    one, again = (van_der_waals_surface(NUMBERS, POSITIONS) for _ in range(2))
    np.testing.assert_array_equal(one.vertices, again.vertices)
    np.testing.assert_array_equal(one.triangles, again.triangles)
    noise = 1.0 + 1e-15 * np.random.default_rng(0).normal(size=POSITIONS.shape)
    near = van_der_waals_surface(NUMBERS, POSITIONS * noise)
    np.testing.assert_array_equal(one.triangles, near.triangles)
    np.testing.assert_allclose(one.vertices, near.vertices, atol=1e-6)


def test_molecules_far_apart_are_two_surfaces() -> None:
    positions = np.concatenate([POSITIONS, POSITIONS + np.array([20.0, 0, 0])])
    surface = van_der_waals_surface(np.tile(NUMBERS, 2), positions)
    one = van_der_waals_surface(NUMBERS, POSITIONS)
    assert surface.area() == pytest.approx(2 * one.area(), rel=2e-3)


def test_element_without_radius_is_refused() -> None:
    with pytest.raises(InputError, match="Fe"):
        van_der_waals_surface([26], np.zeros((1, 3)))


@pytest.fixture
def table() -> MoleculeTable:
    molecules = [Molecule(name, NUMBERS, POSITIONS) for name in "ab"]
    points = van_der_waals_surface(NUMBERS, POSITIONS, **DESCRIPTION).vertices
    values = np.arange(float(len(points)))
    return MoleculeTable.from_molecules(
        molecules,
        grids={
            "surface": GridValues.from_ragged([(points[:0], values[:0]), (points, values)]),
            "mk": GridValues.from_ragged([(points, values), (points, values)]),
        },
        metadata={
            "grids": {"surface": {"b": DESCRIPTION}},
            "grid_settings": {"surface": {"kind": "surface"}},
        },
    )


def test_values_on_a_molecules_surface(table: MoleculeTable) -> None:
    surface, values = surface_values(table, "b", "surface")
    assert len(values) == len(surface.vertices)
    np.testing.assert_array_equal(values, np.arange(float(len(values))))
    np.testing.assert_array_equal(surface.vertices, table.grids["surface"].of(1)[0])


def test_errors_are_not_measured_on_surfaces(table: MoleculeTable) -> None:
    assert metric_grids(table) == ["mk"]


@pytest.mark.parametrize(("molecule", "grid"), [("a", "surface"), ("c", "surface"), ("b", "x")])
def test_a_molecule_without_surface_is_refused(
    table: MoleculeTable, molecule: str, grid: str
) -> None:
    with pytest.raises(InputError, match=f"holds no surface '{grid}' of {molecule}"):
        surface_values(table, molecule, grid)


def test_points_that_are_not_the_surfaces_are_refused(table: MoleculeTable) -> None:
    other = {**DESCRIPTION, "spacing_bohr": 0.5}
    with pytest.raises(InputError, match="not those of its surface"):
        surface_values(
            replace(table, metadata={"grids": {"surface": {"b": other}}}), "b", "surface"
        )

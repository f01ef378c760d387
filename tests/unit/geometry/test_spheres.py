"""Points on spheres, and which points lie outside them: compiled, in arrays, defined."""

import numpy as np
import pytest

from mepflow.geometry import spheres
from mepflow.geometry.spheres import outer_surface, outside_spheres, unit_sphere

CENTRES = np.array([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.5, 1.5, -1.0], [9.0, 9.0, 9.0]])
RADII = np.array([1.5, 1.0, 1.2, 0.7])


@pytest.fixture(params=["compiled", "arrays"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "arrays":
        monkeypatch.setattr(spheres, "_library", lambda: None)
        monkeypatch.setattr(spheres, "_BLOCK_NUMBERS", 10)
    elif spheres._library() is None:
        pytest.skip("no compiler")


@pytest.mark.usefixtures("way")
def test_outside_is_no_nearer_than_a_radius() -> None:
    points = np.random.default_rng(1).uniform(-3, 3, (2000, 3))
    distances = np.linalg.norm(points[:, None] - CENTRES, axis=-1)
    found = outside_spheres(points, CENTRES, RADII)
    np.testing.assert_array_equal(found, (distances >= RADII).all(axis=1))
    assert 0 < found.sum() < len(points)
    own = np.arange(len(points)) % len(RADII)
    distances[np.arange(len(points)), own] = np.inf
    found = outside_spheres(points, CENTRES, RADII, own)
    np.testing.assert_array_equal(found, (distances >= RADII).all(axis=1))
    assert len(outside_spheres(points[:0], CENTRES, RADII)) == 0


@pytest.mark.usefixtures("way")
def test_points_on_a_sphere_are_outside_it() -> None:
    points = CENTRES[0] + RADII[0] * unit_sphere(1000)
    assert outside_spheres(points, CENTRES[:1], RADII[:1]).all()
    assert not outside_spheres(points * (1 - 1e-8), CENTRES[:1], RADII[:1]).any()


@pytest.mark.usefixtures("way")
def test_an_outer_surface_is_the_exposed_part_of_each_sphere() -> None:
    density = 40.0
    points = outer_surface(CENTRES, RADII, density)
    distances = np.linalg.norm(points[:, None] - CENTRES, axis=-1)
    np.testing.assert_allclose((distances - RADII).min(axis=1), 0.0, atol=1e-12)
    alone = np.isclose(distances[:, 3], RADII[3])
    area = 4.0 * np.pi * RADII[3] ** 2
    assert alone.sum() == np.ceil(area * density)
    # The second sphere loses the cap that the first cuts off: of height r (1 - cos), cos = d / r.
    two = outer_surface(CENTRES[:2], RADII[:2], density)
    on_second = np.isclose(np.linalg.norm(two - CENTRES[1], axis=1), RADII[1]).sum()
    along = (4.0 + RADII[1] ** 2 - RADII[0] ** 2) / 4.0
    exposed = 2.0 * np.pi * RADII[1] * (RADII[1] + along)
    assert on_second == pytest.approx(exposed * density, rel=0.01)


@pytest.mark.parametrize("density", [0.5, 40.0])
def test_both_ways_lay_the_same_points(monkeypatch: pytest.MonkeyPatch, density: float) -> None:
    if spheres._library() is None:
        pytest.skip("no compiler")
    rng = np.random.default_rng(2)
    centres, radii = rng.uniform(-3, 3, (25, 3)), rng.uniform(1.0, 2.0, 25)
    compiled = outer_surface(centres, radii, density)
    monkeypatch.setattr(spheres, "_library", lambda: None)
    np.testing.assert_array_equal(compiled, outer_surface(centres, radii, density))
    assert 0 < len(compiled) < np.ceil(4 * np.pi * radii**2 * density).sum()

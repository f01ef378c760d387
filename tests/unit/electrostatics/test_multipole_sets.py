"""Sets of multipoles: each set's potential is that of the set alone, and charges fit the sets."""

import numpy as np
import pytest

from mepflow.electrostatics import multipole_sets
from mepflow.electrostatics.charge_fit import equivalent_charges
from mepflow.electrostatics.multipole_sets import (
    charge_equations,
    neutral_basis,
    normal_equations,
    potentials,
)
from mepflow.electrostatics.potential import potential

TERMS = [(True, False), (False, True), (True, True), (False, False)]
"""Whether there are dipoles, and whether there are quadrupoles."""


@pytest.fixture(params=["compiled", "plain"], autouse=True)
def way(request, monkeypatch):
    if request.param == "plain":
        monkeypatch.setattr(multipole_sets, "_library", lambda: None)
    elif multipole_sets._library() is None:
        pytest.skip("no C++ compiler")


@pytest.fixture
def system():
    """Points (300, 3), positions (6, 3), and three sets of charges, dipoles and quadrupoles."""
    rng = np.random.default_rng(5)
    points = rng.normal(size=(300, 3))
    points *= rng.uniform(5.0, 8.0, (300, 1)) / np.linalg.norm(points, axis=1, keepdims=True)
    quadrupoles = rng.normal(size=(3, 6, 3, 3))
    quadrupoles += np.swapaxes(quadrupoles, -1, -2)
    quadrupoles -= np.trace(quadrupoles, axis1=-2, axis2=-1)[..., None, None] * np.eye(3) / 3.0
    positions = rng.uniform(-2.0, 2.0, (6, 3))
    return points, positions, rng.normal(size=(3, 6)), rng.normal(size=(3, 6, 3)), quadrupoles


@pytest.mark.parametrize("has", TERMS)
@pytest.mark.parametrize("n_points", [0, 1, 255, 256, 300])
def test_each_set_has_its_own_potential(system, has, n_points):
    points, positions, charges, *higher = system
    higher = [terms if given else None for terms, given in zip(higher, has, strict=True)]
    found = potentials(points[:n_points], positions, charges, *higher)
    assert found.shape == (3, n_points)
    for k, values in enumerate(found):
        own = [None if terms is None else terms[k] for terms in higher]
        wanted = potential(points[:n_points], positions, charges[k], *own)
        np.testing.assert_allclose(values, wanted, rtol=1e-13, atol=1e-15)


def test_radii_keep_the_potential_finite(system):
    points, positions, *terms = system
    radii = np.linspace(0.5, 1.5, 6)
    everywhere = np.concatenate([points, positions])
    found = potentials(everywhere, positions, *terms, radii)
    for k, values in enumerate(found):
        wanted = potential(everywhere, positions, *(term[k] for term in terms), radii=radii)
        np.testing.assert_array_equal(values, wanted)


@pytest.mark.parametrize("has", TERMS[:3])
def test_normal_equations_are_those_of_least_squares(system, has):
    points, positions, charges, *higher = system
    higher = [terms if given else None for terms, given in zip(higher, has, strict=True)]
    matrix, sides = normal_equations(points, positions, *higher)
    distances = np.linalg.norm(points[:, None] - positions, axis=-1)
    design = (1.0 / distances) @ neutral_basis(6)
    wanted = potentials(points, positions, np.zeros_like(charges), *higher)
    half = np.tril_indices(5)
    np.testing.assert_allclose(matrix[half], (design.T @ design)[half], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(sides, wanted @ design, rtol=1e-11, atol=1e-12)
    solved = np.linalg.lstsq(design, wanted.T, rcond=None)[0]
    found = equivalent_charges(points, positions, charges, *higher).charges - charges
    np.testing.assert_allclose(found.T, neutral_basis(6) @ solved, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(found.sum(axis=1), 0.0, atol=1e-13)


@pytest.mark.parametrize("displacement", [0.0, np.nan])
def test_a_point_on_an_atom_is_refused(system, displacement):
    points, positions, charges, dipoles, quadrupoles = system
    points[270] = positions[4] + displacement
    with pytest.raises(ValueError, match="point 270 lies on atom"):
        potentials(points, positions, charges, dipoles, quadrupoles)
    with pytest.raises(ValueError, match="point 270 lies on atom"):
        normal_equations(points, positions, dipoles, quadrupoles)


def test_equations_need_something_to_fit_to(system):
    with pytest.raises(ValueError, match="neither"):
        normal_equations(*system[:2], None, None)


@pytest.mark.parametrize("n_points", [0, 1, 256, 300])
def test_equations_of_charges_are_sums_over_the_points(system, n_points):
    points, positions, charges, *_ = system
    points = points[:n_points]
    values = potentials(points, positions, charges)
    inverse = 1.0 / np.linalg.norm(points[:, None] - positions, axis=-1)
    matrix, sides = charge_equations(points, positions, values)
    np.testing.assert_allclose(matrix, inverse.T @ inverse, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(sides, values @ inverse, rtol=1e-11, atol=1e-13)

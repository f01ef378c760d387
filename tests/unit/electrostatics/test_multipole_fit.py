import numpy as np
import pytest

from mepflow.electrostatics.multipole_fit import fit_multipoles
from mepflow.electrostatics.potential import potential
from mepflow.electrostatics.unit_potentials import CHARGES, DIPOLES, QUADRUPOLES

POSITIONS = np.array([[0.0, 0.0, 0.0], [2.2, 0.3, -0.1], [-0.8, 1.9, 0.4]])


def made_up(order, noise=0.0):
    """Return points and the potential of terms up to ``order`` there, and these terms."""
    rng = np.random.default_rng(8)
    points = rng.normal(size=(200, 3))
    points *= rng.uniform(4.0, 7.0, (200, 1)) / np.linalg.norm(points, axis=1, keepdims=True)
    quadrupoles = rng.normal(size=(3, 3, 3))
    quadrupoles += quadrupoles.swapaxes(1, 2)
    quadrupoles -= np.trace(quadrupoles, axis1=1, axis2=2)[:, None, None] * np.eye(3) / 3.0
    charges = rng.normal(size=3)
    terms = (
        charges + (1.0 - charges.sum()) / 3.0,
        rng.normal(size=(3, 3)) if order >= DIPOLES else None,
        quadrupoles if order >= QUADRUPOLES else None,
    )
    values = potential(points, POSITIONS, *terms) + noise * rng.normal(size=200)
    return points, values, terms


@pytest.mark.parametrize("order", [CHARGES, DIPOLES, QUADRUPOLES])
def test_the_terms_of_a_potential_are_found(order):
    points, values, terms = made_up(order)
    found = fit_multipoles(points, values, POSITIONS, 1.0, order)
    for one, other in zip(found, terms, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            np.testing.assert_allclose(one, other, atol=1e-7)


@pytest.mark.parametrize("order", [CHARGES, DIPOLES, QUADRUPOLES])
def test_total_charge_is_exact_and_no_neighbour_is_better(order):
    points, values, _ = made_up(order, noise=0.01)
    found = fit_multipoles(points, values, POSITIONS, 1.0, order)
    assert found.charges.sum() == pytest.approx(1.0, abs=1e-13)
    best = np.sum((potential(points, POSITIONS, *found) - values) ** 2)
    rng = np.random.default_rng(2)
    for _ in range(30):
        other = [
            None if term is None else term + 1e-3 * rng.normal(size=term.shape) for term in found
        ]
        other[0] += (1.0 - other[0].sum()) / 3.0
        if other[2] is not None:
            other[2] += other[2].swapaxes(1, 2)
            other[2] = other[2] / 2.0
            other[2] -= np.trace(other[2], axis1=1, axis2=2)[:, None, None] * np.eye(3) / 3.0
        assert np.sum((potential(points, POSITIONS, *other) - values) ** 2) > best


def test_quadrupoles_are_symmetric_and_traceless():
    points, values, _ = made_up(QUADRUPOLES, noise=0.01)
    quadrupoles = fit_multipoles(points, values, POSITIONS, 1.0, QUADRUPOLES).quadrupoles
    np.testing.assert_array_equal(quadrupoles, quadrupoles.swapaxes(1, 2))
    np.testing.assert_allclose(np.trace(quadrupoles, axis1=1, axis2=2), 0.0, atol=1e-13)


def test_charges_the_points_cannot_tell_apart_stay_small():
    """Two atoms at one place: only their sum is determined, and it is shared equally."""
    positions = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 2.0]])
    points = 5.0 * np.random.default_rng(1).normal(size=(40, 3))
    values = potential(points, positions, np.array([0.6, 0.0, -0.6]))
    charges, *_ = fit_multipoles(points, values, positions, 0.0)
    np.testing.assert_allclose(charges, [0.3, 0.3, -0.6], atol=1e-10)

import numpy as np
import pytest

from mepflow.electrostatics.penetration import shells_of
from mepflow.electrostatics.penetration_fit import Sample, fit_widths
from mepflow.electrostatics.potential import potential
from mepflow.molecules import Molecule

WIDTHS = {"H": 0.36, "C": 0.49, "O": 0.41}


def made_up(seed, total_charge=0):
    """Return a molecule and the potential that multipoles and shells of WIDTHS make around it."""
    rng = np.random.default_rng(seed)
    numbers = np.array([6, 8, 1, 1], dtype=np.uint8)
    positions = np.array([[0.0, 0, 0], [2.3, 0.2, 0], [-1.1, 1.6, 0.3], [-0.9, -1.5, 0.7]])
    positions += rng.normal(scale=0.1, size=(4, 3))
    charges, dipoles = rng.normal(scale=0.3, size=4), rng.normal(scale=0.2, size=(4, 3))
    charges += (total_charge - charges.sum()) / 4
    points = rng.normal(size=(300, 3))
    points *= rng.uniform(4.5, 8.0, (300, 1)) / np.linalg.norm(points, axis=1, keepdims=True)
    shells = shells_of(numbers, WIDTHS)
    values = potential(points, positions, charges, dipoles, penetration=shells)
    return Molecule(f"m{seed}", numbers, positions, total_charge), points, values


@pytest.fixture(scope="module")
def samples():
    return [Sample.of(*made_up(seed, charge)) for seed, charge in ((1, 0), (2, 1), (3, 0))]


def test_the_widths_that_made_a_potential_are_found(samples):
    found = fit_widths(samples)
    assert list(found) == ["H", "C", "O"]
    assert found == pytest.approx(WIDTHS, rel=1e-6)


def test_nothing_is_left_over_with_the_right_widths(samples):
    for sample in samples:
        assert sample.rmse(WIDTHS) < 1e-12
        assert sample.rmse() > 1e-6


def test_slopes_are_the_derivatives(samples):
    step = 1e-5
    widths = {"O": 0.5, "H": 0.4, "C": 0.45}
    slopes = samples[0].slopes(widths)
    for column, name in enumerate(widths):
        ends = [
            samples[0].left_over({**widths, name: widths[name] * np.exp(sign * step)})
            for sign in (-1, 1)
        ]
        difference = (ends[1] - ends[0]) / (2.0 * step)
        np.testing.assert_allclose(slopes[:, column], difference, rtol=1e-6, atol=1e-12)


def test_too_few_points_are_refused():
    molecule, points, values = made_up(1)
    with pytest.raises(ValueError, match="34 points cannot determine 35 parameters"):
        Sample.of(molecule, points[:34], values[:34])

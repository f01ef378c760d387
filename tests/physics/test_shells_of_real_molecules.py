"""The potential of valence shells against Poisson's equation and against reference potentials."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy.integrate import quad

from mepflow.archives.label_file import read_labels
from mepflow.electrostatics.penetration import penetration_potential, shells_of
from mepflow.electrostatics.penetration_fit import Sample
from mepflow.electrostatics.potential import Shells, potential
from mepflow.units import HARTREE_PER_E_IN_KCAL_PER_MOL_E

ROOT = Path(__file__).parents[2]
WIDTHS = yaml.safe_load((ROOT / "config" / "definitions.yaml").read_text())["penetration"]


@pytest.mark.parametrize("distance", [0.05, 0.4, 1.7, 3.0, 8.0])
def test_it_is_the_potential_of_nucleus_core_and_shell(distance):
    """+N at the nucleus and −N e^{−r/σ}/(8πσ³) around it, by Gauss's law and quadrature."""
    electrons, width = 6.0, 0.41

    def charge_per_radius(r):
        return electrons * r**2 * np.exp(-r / width) / (2.0 * width**3)

    inside, _ = quad(charge_per_radius, 0.0, distance, epsabs=0.0, epsrel=1e-13)
    outside, _ = quad(lambda r: charge_per_radius(r) / r, distance, 60.0 * width, epsrel=1e-13)
    expected = electrons / distance - inside / distance - outside
    found = penetration_potential(
        np.array([[0.0, distance, 0.0]]),
        np.zeros((1, 3)),
        Shells(np.array([electrons]), np.array([width])),
    )
    assert found[0] == pytest.approx(expected, rel=1e-9, abs=1e-13)


def test_no_moment_of_any_order_changes():
    """Far off, all that is left of it is below the last digit of the multipoles' potential.

    A change δ of a moment of order l would change the potential by some δ/R^(l + 1).
    """
    rng = np.random.default_rng(4)
    numbers = np.array([6, 8, 1, 7, 16, 35])
    positions, charges = rng.uniform(-3.0, 3.0, (6, 3)), rng.normal(size=6)
    shells = shells_of(numbers, WIDTHS["def2-tzvppd"])
    directions = rng.normal(size=(200, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    far = 40.0 * directions
    with_shells = potential(far, positions, charges, penetration=shells)
    np.testing.assert_array_equal(with_shells, potential(far, positions, charges))
    sizes = [
        np.abs(penetration_potential(radius * directions, positions, shells)).max()
        for radius in (20.0, 40.0, 80.0)
    ]
    assert sizes[0] > 0.0
    # Of order 12, the potential would fall by 2^13 from one radius to the next.
    assert sizes[1] < 2.0**-40 * sizes[0]
    assert sizes[2] < 2.0**-40 * sizes[1]


@pytest.fixture(scope="module")
def floors():
    """Return grid → floors (molecules, 2) of q, μ and Θ′, without and with shells, kcal/mol/e.

    Of ten neutral molecules that had no part in the widths.
    """
    labels = read_labels(ROOT / "resources" / "labels" / "bench.h5")
    widths = WIDTHS["def2-tzvppd"]
    rows = [index for index in range(len(labels)) if not labels.of("charge", index)][:10]
    return {
        grid: HARTREE_PER_E_IN_KCAL_PER_MOL_E
        * np.array(
            [
                (sample.rmse(), sample.rmse(widths))
                for sample in (
                    Sample.of(labels.molecule(row), *labels.potential(grid, row)) for row in rows
                )
            ]
        )
        for grid in ("mk", "chelpg", "surface")
    }


@pytest.mark.parametrize(("grid", "highest"), [("mk", 0.09), ("chelpg", 0.32), ("surface", 0.40)])
def test_the_widths_hold_for_molecules_they_were_not_fitted_to(floors, grid, highest):
    """Medians: 0.071, 0.268 and 0.311 when this was written, of 0.31, 1.57 and 6.1 without."""
    without, with_shells = np.median(floors[grid], axis=0)
    assert with_shells < highest
    assert without > 3.5 * with_shells
    assert (floors[grid][:, 1] < floors[grid][:, 0]).all()

"""The damped Coulomb energy against loops over pairs."""

import numpy as np
import pytest
import torch

from mepflow.electrostatics.damped_coulomb import (
    damped_coulomb_energy,
    damped_inverse,
    pairs_of_molecules,
)
from mepflow.units import HARTREE_IN_EV

CUTOFF = 6.0
COULOMB_EV_ANGSTROM = 2 * 7.199822675975274
"""e²/4πε₀ as PhysNet's code has it."""


def chi(r: float) -> float:
    t = min(2 * r / CUTOFF, 1.0)
    s = 6 * t**5 - 15 * t**4 + 10 * t**3
    return float((1 - s) / np.sqrt(r * r + 1) + s / r)


def test_energies_are_sums_over_the_pairs_of_each_molecule() -> None:
    rng = np.random.default_rng(1)
    sizes = (1, 4, 0, 6)
    molecule = np.repeat(np.arange(4), sizes)
    positions, charges = rng.uniform(-3, 3, (11, 3)), rng.normal(size=11)
    expected = np.zeros(4)
    for i in range(11):
        for j in range(i):
            if molecule[i] == molecule[j]:
                r = np.linalg.norm(positions[i] - positions[j])
                expected[molecule[i]] += COULOMB_EV_ANGSTROM * charges[i] * charges[j] * chi(r)
    found = damped_coulomb_energy(*map(torch.from_numpy, (charges, positions, molecule)), 4, CUTOFF)
    np.testing.assert_allclose(found.numpy() * HARTREE_IN_EV, expected, rtol=1e-8, atol=1e-8)


def test_no_pair_is_missing_or_twice() -> None:
    molecule = torch.tensor([0, 0, 0, 2, 2, 3])
    i, j = pairs_of_molecules(molecule, 4)
    assert list(zip(i.tolist(), j.tolist(), strict=True)) == [(0, 1), (0, 2), (1, 2), (3, 4)]


@pytest.mark.parametrize(("r", "value"), [(0.0, 1.0), (3.0, 1 / 3), (5.0, 0.2)])
def test_it_is_finite_where_atoms_meet_and_bare_from_half_the_cutoff(
    r: float, value: float
) -> None:
    distance = torch.tensor([max(r, 1e-12)], dtype=torch.float64)
    assert float(damped_inverse(distance, CUTOFF)) == pytest.approx(value, abs=1e-12)

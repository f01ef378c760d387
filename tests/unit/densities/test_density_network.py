"""The density turns, moves, is permuted and mirrored with its molecule, and has its electrons."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from cases.density_cases import ETHANOL, NETWORK, POSITIONS, network, tables
from mepflow.densities.coupling_paths import coupling_paths
from mepflow.densities.density_batch import density_graph, joined
from mepflow.densities.density_functions import density, density_matrix
from mepflow.densities.density_moments import function_moments, molecular_moments
from mepflow.densities.density_network import DensityNetwork
from mepflow.densities.radial_functions import radial_functions
from mepflow.densities.solid_harmonics import solid_harmonics
from mepflow.errors import ConfigError, InputError

NET = network()
BASIS = tables()[0]
POINTS = np.random.default_rng(1).normal(size=(40, 3)) * 3.0


def graph(numbers: np.ndarray, positions: np.ndarray, charge: int = 0):  # type: ignore[no-untyped-def]
    return density_graph(NET.layout, numbers, positions, charge, NETWORK.cutoff)


def coefficients(numbers: np.ndarray, positions: np.ndarray, charge: int = 0) -> np.ndarray:
    return np.asarray(NET(graph(numbers, positions, charge)).detach())


@pytest.mark.parametrize("mirrored", [False, True])
def test_density_turns_and_moves_with_the_molecule(mirrored: bool) -> None:
    turn = Rotation.from_euler("xyz", [0.4, -1.1, 2.0]).as_matrix()
    turn = turn @ np.diag([1.0, 1.0, -1.0 if mirrored else 1.0])
    moved = POSITIONS @ turn.T + np.array([3.0, -1.0, 0.5])
    at = POINTS @ turn.T + np.array([3.0, -1.0, 0.5])
    before = density(BASIS, ETHANOL, POSITIONS, coefficients(ETHANOL, POSITIONS), POINTS)
    after = density(BASIS, ETHANOL, moved, coefficients(ETHANOL, moved), at)
    np.testing.assert_allclose(after, before, rtol=1e-11, atol=1e-13)
    # Without turning the molecule the density is another one.
    still = density(BASIS, ETHANOL, POSITIONS, coefficients(ETHANOL, POSITIONS), at)
    assert np.abs(still - before).max() > 1e-3


def test_functions_may_be_of_higher_degree_than_products_reach() -> None:
    """Products of l = 1 reach l = 2, the functions l = 4; those of bromine reach l = 5."""
    torch.manual_seed(3)
    settings = replace(NETWORK, hidden_degree=1)
    small = DensityNetwork(settings, NET.layout, *tables()[1:], 7.0).double()
    turn = Rotation.from_euler("xyz", [0.4, -1.1, 2.0]).as_matrix()
    found = [
        density(BASIS, ETHANOL, where, np.asarray(small(graph(ETHANOL, where)).detach()), points)
        for where, points in ((POSITIONS, POINTS), (POSITIONS @ turn.T, POINTS @ turn.T))
    ]
    np.testing.assert_allclose(found[1], found[0], rtol=1e-11, atol=1e-13)


def test_atoms_may_be_in_any_order() -> None:
    order = np.random.default_rng(2).permutation(len(ETHANOL))
    before = density(BASIS, ETHANOL, POSITIONS, coefficients(ETHANOL, POSITIONS), POINTS)
    mixed = coefficients(ETHANOL[order], POSITIONS[order])
    after = density(BASIS, ETHANOL[order], POSITIONS[order], mixed, POINTS)
    np.testing.assert_allclose(after, before, rtol=1e-11, atol=1e-13)


def test_batches_give_what_single_molecules_give() -> None:
    water = (np.array([8, 1, 1]), POSITIONS[[2, 8, 1]])
    batch = joined([graph(ETHANOL, POSITIONS), graph(*water)], NET.layout.width)
    together = NET(batch).detach().split(batch.functions)
    np.testing.assert_allclose(together[0], coefficients(ETHANOL, POSITIONS), atol=1e-12)
    np.testing.assert_allclose(together[1], coefficients(*water), atol=1e-12)


@pytest.mark.parametrize("charge", [0, 1, -1])
def test_electrons_are_exact_for_any_weights(charge: int) -> None:
    found = coefficients(ETHANOL, POSITIONS, charge)
    electrons, dipole, _ = molecular_moments(BASIS, ETHANOL, POSITIONS, found)
    assert electrons == pytest.approx(26.0 - charge, abs=1e-11)
    assert np.linalg.norm(dipole) > 1e-3


def test_far_molecules_keep_their_own_electrons_and_density() -> None:
    far = np.concatenate([POSITIONS, POSITIONS[[2, 8, 1]] + 40.0])
    numbers = np.concatenate([ETHANOL, [8, 1, 1]])
    union = coefficients(numbers, far)
    parts = [coefficients(ETHANOL, POSITIONS), coefficients(np.array([8, 1, 1]), far[9:])]
    np.testing.assert_allclose(union, np.concatenate(parts), atol=1e-12)
    electrons = function_moments(BASIS, ETHANOL, POSITIONS).number
    assert electrons @ union[: len(electrons)] == pytest.approx(26.0, abs=1e-11)
    with pytest.raises(InputError, match="2 parts"):
        graph(numbers, far, 1)


def test_density_changes_smoothly_as_an_atom_leaves() -> None:
    # Across the cut-off, a step of 1e-4 bohr changes next to nothing.
    numbers = np.array([8, 1, 6])
    atoms = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [4.0, 3.0, 0.0]])
    values = []
    for distance in NETWORK.cutoff + np.array([-1e-4, 1e-4, -0.5]):
        atoms[1, 0] = distance
        values.append(coefficients(numbers, atoms))
    change = values[0] - values[1]
    assert np.abs(change).max() < 1e-3 * np.abs(values[2] - values[1]).max()
    near = radial_functions(torch.tensor([0.5, 3.0, 8.4]), 4, NETWORK.cutoff)
    assert near.abs().max(dim=1).values[:2].min() > 0.1


def test_couplings_turn_as_features_do() -> None:
    paths = coupling_paths(2, 2, 3)
    turn = Rotation.from_euler("xyz", [0.3, 0.7, -0.2]).as_matrix()
    vectors = np.random.default_rng(3).normal(size=(2, 3))

    def rows(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        features = [np.concatenate(solid_harmonics(v, 2)) for v in (first, second)]
        return np.einsum("brm,b,m->r", paths.coefficients.numpy(), features[1], features[0])

    sphere = np.random.default_rng(4).normal(size=(60, 3))
    harmonics = solid_harmonics(sphere, 3)
    turned = solid_harmonics(sphere @ turn.T, 3)
    before, after = rows(*vectors), rows(*(vectors @ turn.T))
    start = 0
    for _, _, degree in paths.paths:
        part = slice(start, start + 2 * degree + 1)
        start = part.stop
        np.testing.assert_allclose(
            turned[degree] @ after[part], harmonics[degree] @ before[part], atol=1e-12
        )
        assert np.abs(before[part]).max() > 1e-3


def test_gradient_with_respect_to_positions_is_that_of_differences() -> None:
    weights = torch.tensor(density_matrix(BASIS, ETHANOL, POSITIONS, POINTS).sum(axis=0))
    one = graph(ETHANOL, POSITIONS)
    one.positions.requires_grad_(True)
    (slope,) = torch.autograd.grad(NET(one) @ weights, one.positions)
    step = np.zeros_like(POSITIONS)
    step[2, 1] = 1e-4
    ends = [coefficients(ETHANOL, POSITIONS + sign * step) @ weights.numpy() for sign in (1, -1)]
    assert slope[2, 1].item() == pytest.approx((ends[0] - ends[1]) / 2e-4, rel=1e-6)


def test_wrong_rows_are_refused() -> None:
    with pytest.raises(ConfigError, match="exactly the keys"):
        type(NETWORK).from_row({**NETWORK.row(), "depth": 3})

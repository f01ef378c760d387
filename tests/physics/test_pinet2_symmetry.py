"""What a molecule's frame, order and neighbours in the batch must not, or must, change."""

import numpy as np
import pytest
import torch
from pinet2_networks import (
    CUTOFF,
    KINDS,
    TOLERANCES,
    evaluate,
    largest_difference,
    molecule,
    network,
    rotated,
    rotations,
)

SPECIES, POSITIONS = molecule(1, 9)


def rotation_errors(model):
    expected = evaluate(model, (SPECIES, POSITIONS))
    errors = [
        largest_difference(
            evaluate(model, (SPECIES, POSITIONS @ rotation.T)), rotated(expected, rotation)
        )
        for rotation in rotations()
    ]
    return {name: max(error[name] for error in errors) for name in expected}


def test_half_of_the_rotations_are_improper():
    assert np.sign(np.linalg.det(rotations())).tolist() == [1.0, 1.0, -1.0, -1.0]


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize(("rank", "weighted"), KINDS)
def test_outputs_rotate_with_the_molecule(rank, weighted, dtype):
    errors = rotation_errors(network(rank, weighted, dtype))
    assert max(errors.values()) < TOLERANCES[dtype], errors


@pytest.mark.parametrize("basis", ["gaussian", "polynomial"])
@pytest.mark.parametrize("cutoff_function", ["f1", "f2", "hip"])
def test_rotation_with_every_radial_function(basis, cutoff_function):
    model = network(5, basis=basis, cutoff_function=cutoff_function)
    assert max(rotation_errors(model).values()) < TOLERANCES[torch.float64]


@pytest.mark.parametrize("weighted", [False, True])
def test_biased_vector_head_of_pinn_is_not_equivariant(weighted):
    errors = rotation_errors(network(3, weighted, pinn_compatible=True))
    assert errors["p1"] < TOLERANCES[torch.float64]
    assert errors["p3"] > 0.01


@pytest.mark.parametrize("weighted", [False, True])
def test_plain_product_of_pinn_breaks_even_scalars(weighted):
    errors = rotation_errors(network(5, weighted, pinn_compatible=True))
    assert errors["p1"] > 1e-4


@pytest.mark.parametrize(("rank", "weighted"), KINDS)
def test_translation_changes_nothing(rank, weighted):
    model = network(rank, weighted)
    moved = evaluate(model, (SPECIES, POSITIONS + np.array([12.0, -7.0, 3.0])))
    found = largest_difference(moved, evaluate(model, (SPECIES, POSITIONS)))
    assert max(found.values()) < TOLERANCES[torch.float64]


@pytest.mark.parametrize(("rank", "weighted"), KINDS)
def test_outputs_follow_the_order_of_the_atoms(rank, weighted):
    model = network(rank, weighted)
    order = np.random.default_rng(0).permutation(len(SPECIES))
    expected = {k: v[order] for k, v in evaluate(model, (SPECIES, POSITIONS)).items()}
    found = evaluate(model, (SPECIES[order], POSITIONS[order]))
    assert max(largest_difference(found, expected).values()) < TOLERANCES[torch.float64]


@pytest.mark.parametrize(("rank", "weighted"), KINDS)
def test_batch_and_far_neighbours_change_nothing(rank, weighted):
    model = network(rank, weighted)
    first, second = (SPECIES, POSITIONS), molecule(2, 6)
    alone = [evaluate(model, one) for one in (first, second)]
    expected = {name: np.concatenate([one[name] for one in alone]) for name in alone[0]}
    together = evaluate(model, first, second)
    assert max(largest_difference(together, expected).values()) < TOLERANCES[torch.float64]
    apart = second[1] + np.array([2.0 * 6.0 * 3**0.5 + CUTOFF, 0.0, 0.0])
    one_molecule = (np.concatenate([first[0], second[0]]), np.concatenate([first[1], apart]))
    far = evaluate(model, one_molecule)
    assert max(largest_difference(far, expected).values()) < TOLERANCES[torch.float64]


def test_near_neighbours_do_change_something():
    model = network()
    alone = evaluate(model, (SPECIES[:-1], POSITIONS[:-1]))
    whole = evaluate(model, (SPECIES, POSITIONS))
    assert np.abs(whole["p1"][:-1] - alone["p1"]).max() > 1e-3


def test_a_flat_molecule_has_no_vectors_out_of_its_plane():
    angles = np.arange(6) * np.pi / 3.0
    ring = 1.4 * np.stack([np.cos(angles), np.sin(angles), np.zeros(6)], axis=1)
    vectors = evaluate(network(), (np.arange(6) % 5, ring))["p3"]
    assert np.abs(vectors[:, 2]).max() < 1e-15
    assert np.abs(vectors[:, :2]).max() > 1e-3

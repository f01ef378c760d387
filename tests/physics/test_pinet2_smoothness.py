"""Derivatives: at the cut-off, against finite differences, and in both precisions."""

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
)
from torch.func import functional_call

from mepflow.nn.graph import build_graph
from mepflow.nn.pinet2.pinet2_settings import LayerNodes

SPECIES = np.array([1, 0, 3, 2])
STILL = np.array([[0.0, 0.0, 0.0], [0.0, 1.1, 0.0], [0.0, -0.6, 1.2]])


def at_distance(model, distance):
    """Return outputs (n,) and their derivatives as an atom stands at ``distance`` Å of the first.

    Along the x axis, away from the others, which are further from it.
    """
    moving = torch.tensor(distance, dtype=torch.float64, requires_grad=True)
    start = torch.tensor([*STILL.tolist(), [0.0] * 3], dtype=torch.float64)
    step = torch.zeros(4, 3, dtype=torch.float64)
    step[3, 0] = 1.0
    positions = start + moving * step
    graph = build_graph([(SPECIES, positions.detach().numpy())], CUTOFF)
    outputs = model(graph.with_positions(positions))
    values = torch.cat([value.reshape(-1) for value in outputs.values()])
    slopes = torch.stack([torch.autograd.grad(v, moving, retain_graph=True)[0] for v in values])
    return values.detach(), slopes, len(graph.pair_i)


def jumps(model, half_width):
    inside, slope_inside, pairs_inside = at_distance(model, CUTOFF - half_width)
    outside, slope_outside, pairs_outside = at_distance(model, CUTOFF + half_width)
    assert pairs_inside == pairs_outside + 2, "one pair crosses the cut-off"
    return (inside - outside).abs().max(), (slope_inside - slope_outside).abs().max()


@pytest.mark.parametrize("basis", ["gaussian", "polynomial"])
@pytest.mark.parametrize("cutoff_function", ["f1", "f2", "hip"])
@pytest.mark.parametrize("rank", [1, 3, 5])
def test_values_and_slopes_are_continuous_at_the_cutoff(rank, cutoff_function, basis):
    model = network(rank, cutoff_function=cutoff_function, basis=basis, outputs=("p1",))
    _, slope, _ = at_distance(model, 2.5)
    assert slope.abs().max() > 1e-3, "the moving atom is felt inside"
    value_jump, slope_jump = jumps(model, 1e-4)
    # fc falls at least as the square of the distance to the cut-off, its slope linearly.
    assert value_jump < 1e-7
    assert slope_jump < 1e-3
    closer_value, closer_slope = jumps(model, 1e-6)
    assert closer_value < 1e-11
    assert closer_slope < 1e-5


@pytest.mark.parametrize(("rank", "weighted"), KINDS)
def test_outputs_vectors_included_are_smooth_at_the_cutoff(rank, weighted):
    value_jump, slope_jump = jumps(network(rank, weighted), 1e-6)
    assert value_jump < 1e-11
    assert slope_jump < 1e-5


def small(rank, weighted, **changes):
    return network(rank, weighted, depth=2, nodes=3, n_basis=4, **changes)


@pytest.mark.parametrize(("rank", "weighted"), KINDS)
def test_gradients_with_respect_to_positions(rank, weighted):
    model = small(rank, weighted)
    graph = build_graph([molecule(3, 4)], CUTOFF)

    def outputs(positions):
        return tuple(model(graph.with_positions(positions)).values())

    assert torch.autograd.gradcheck(outputs, graph.positions.clone().requires_grad_())


def assert_weight_gradients(model):
    graph = build_graph([molecule(3, 3)], CUTOFF)
    names, values = zip(*model.named_parameters(), strict=True)

    def outputs(*weights):
        return tuple(functional_call(model, dict(zip(names, weights, strict=True)), graph).values())

    inputs = tuple(value.detach().clone().requires_grad_() for value in values)
    assert torch.autograd.gradcheck(outputs, inputs, fast_mode=True)


@pytest.mark.parametrize("pinn_compatible", [False, True])
@pytest.mark.parametrize(("rank", "weighted"), KINDS)
def test_gradients_with_respect_to_weights(rank, weighted, pinn_compatible):
    assert_weight_gradients(small(rank, weighted, pinn_compatible=pinn_compatible))


def test_gradients_through_a_deeper_pair_interaction():
    nodes = LayerNodes(pi=(4, 3), ii=(4, 3), pp=(2, 3), out=(3,))
    assert_weight_gradients(small(3, False, layer_nodes=nodes))


@pytest.mark.parametrize(("rank", "weighted"), KINDS)
def test_float32_differs_from_float64_by_its_rounding_only(rank, weighted):
    double, single = network(rank, weighted), network(rank, weighted)
    single.load_state_dict(double.to(torch.float32).state_dict())
    single = single.to(torch.float32)
    rounded = network(rank, weighted)
    rounded.load_state_dict(single.state_dict())
    exact = evaluate(rounded, molecule(4, 9))
    found = evaluate(single, molecule(4, 9))
    assert {v.dtype for v in found.values()} == {np.dtype("float32")}
    assert {v.dtype for v in exact.values()} == {np.dtype("float64")}
    difference = max(largest_difference(found, exact).values())
    assert 1e-9 < difference < TOLERANCES[torch.float32]

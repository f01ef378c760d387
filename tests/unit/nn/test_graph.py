import numpy as np
import pytest
import torch

from mepflow.nn.graph import (
    UNKNOWN_SPECIES,
    build_graph,
    graph_geometry,
    join_graphs,
    neighbour_pairs,
    species_of,
)
from mepflow.nn.pinet2.pinet2_network import PiNet2
from pinet2_cases import ELEMENTS, molecule, settings


def brute_force(positions, cutoff):
    n = len(positions)
    return [
        (i, j)
        for i in range(n)
        for j in range(n)
        if 0.0 < np.linalg.norm(positions[j] - positions[i]) < cutoff
    ]


@pytest.mark.parametrize("seed", range(5))
def test_pairs_are_those_of_a_double_loop_in_its_order(seed):
    _, positions = molecule(seed, 14)
    pair_i, pair_j = neighbour_pairs(positions, 3.1)
    assert list(zip(pair_i, pair_j, strict=True)) == brute_force(positions, 3.1)


def test_both_bounds_are_strict():
    line = np.array([[0.0, 0, 0], [2.0, 0, 0], [4.0, 0, 0]])
    assert [p.tolist() for p in neighbour_pairs(line, 2.0)] == [[], []]
    just_above = np.nextafter(2.0, 3.0)
    assert [p.tolist() for p in neighbour_pairs(line, just_above)] == [[0, 1, 1, 2], [1, 0, 2, 1]]
    assert [p.tolist() for p in neighbour_pairs(np.zeros((2, 3)), 2.0)] == [[], []]


@pytest.mark.parametrize("n_atoms", [0, 1])
def test_no_pairs_without_two_atoms(n_atoms):
    pair_i, pair_j = neighbour_pairs(np.zeros((n_atoms, 3)), 4.5)
    assert pair_i.shape == pair_j.shape == (0,)
    assert pair_i.dtype == np.int64


def test_pairs_of_many_molecules_are_those_of_each():
    """Blocks of small molecules of all sizes, and one too large for a block among them."""
    rng = np.random.default_rng(8)
    sizes = [*rng.integers(0, 40, 300), 700, *rng.integers(100, 140, 12)]
    places = [rng.uniform(0.0, 1.6 * (n + 1) ** (1 / 3), (n, 3)) for n in sizes]
    graph = build_graph([(np.zeros(len(place)), place) for place in places], 3.1)
    first = np.cumsum([0, *sizes])
    pairs = [
        start + np.stack(neighbour_pairs(place, 3.1))
        for place, start in zip(places, first[:-1], strict=True)
    ]
    assert torch.equal(torch.stack([graph.pair_i, graph.pair_j]), torch.tensor(np.hstack(pairs)))


def test_joined_graphs_are_the_graph_of_all_molecules():
    molecules = [molecule(seed, n_atoms) for seed, n_atoms in enumerate((3, 1, 6, 4, 5))]
    parts = [build_graph(part, 4.5) for part in (molecules[:2], [], molecules[2:4], molecules[4:])]
    joined, expected = join_graphs(parts), build_graph(molecules, 4.5)
    assert joined.n_molecules == 5
    for name, values in vars(expected).items():
        assert name == "n_molecules" or torch.equal(getattr(joined, name), values), name


def test_species_of_known_and_unknown_elements():
    assert species_of([6, 17, 1, 9], ELEMENTS).tolist() == [1, UNKNOWN_SPECIES, 0, 4]


def test_geometry_points_from_i_to_j():
    positions = torch.tensor([[0.0, 0, 0], [0, 3.0, 4.0]], dtype=torch.float64)
    distance, direction = graph_geometry(positions, torch.tensor([0]), torch.tensor([1]))
    assert distance.tolist() == [5.0]
    assert direction.tolist() == [[0.0, 0.6, 0.8]]


def test_molecules_share_no_pair_though_they_overlap():
    molecules = [molecule(1, 5), molecule(1, 5), molecule(2, 3)]
    graph = build_graph(molecules, 4.5)
    assert graph.n_molecules == 3
    assert graph.molecule.tolist() == [0] * 5 + [1] * 5 + [2] * 3
    assert torch.equal(graph.molecule[graph.pair_i], graph.molecule[graph.pair_j])
    order = graph.pair_i * 13 + graph.pair_j
    assert (order.diff() > 0).all()
    of_second = graph.molecule[graph.pair_i] == 1
    one = build_graph(molecules[:1], 4.5)
    assert torch.equal(graph.pair_j[of_second] - 5, one.pair_j)
    assert torch.equal(graph.distance[of_second], one.distance)


def test_an_empty_batch_and_a_lone_atom_go_through_the_network():
    model = PiNet2(settings(outputs=("p1", "p3"))).double()
    assert model(build_graph([], 4.5))["p3"].shape == (0, 3)
    far = build_graph([([1], [[0.0, 0, 0]]), ([1, 2], [[0.0, 0, 0], [0, 0, 9.0]])], 4.5)
    outputs = model(far)
    assert len(far.pair_i) == 0
    assert torch.equal(outputs["p3"], torch.zeros(3, 3, dtype=torch.float64))
    assert outputs["p1"][0] == outputs["p1"][1], "the same element without neighbours"


def test_unknown_element_has_a_zero_row():
    model = PiNet2(settings())
    graph = build_graph([([UNKNOWN_SPECIES, 2], [[0.0, 0, 0], [0, 0, 1.0]])], 4.5)
    assert model.embed(graph)["p1"].tolist() == [[0.0] * 5, [0.0, 0.0, 1.0, 0.0, 0.0]]


def test_moving_changes_real_numbers_only():
    graph = build_graph([molecule(3, 6)], 4.5).to(dtype=torch.float32)
    assert graph.positions.dtype == graph.distance.dtype == graph.direction.dtype == torch.float32
    assert graph.species.dtype == graph.pair_i.dtype == graph.molecule.dtype == torch.int64
    assert graph.to("cpu").distance.dtype == torch.float32


def test_positions_are_differentiable():
    graph = build_graph([molecule(4, 5)], 4.5)
    positions = graph.positions.clone().requires_grad_()
    moved = graph.with_positions(positions)
    assert torch.equal(moved.distance, graph.distance)
    assert torch.equal(moved.direction, graph.direction)
    moved.distance.sum().backward()
    pull = torch.zeros_like(positions)
    for i, j, u in zip(graph.pair_i, graph.pair_j, graph.direction, strict=True):
        pull[j] += u
        pull[i] -= u
    torch.testing.assert_close(positions.grad, pull, rtol=0, atol=1e-13)


def test_pairs_do_not_depend_on_the_precision():
    molecules = [molecule(5, 12)]
    double, single = (build_graph(molecules, 4.5, dtype) for dtype in (torch.double, torch.float))
    assert torch.equal(double.pair_j, single.pair_j)
    torch.testing.assert_close(single.distance.double(), double.distance, rtol=0, atol=2e-6)

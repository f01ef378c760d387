"""Settings, weights and their first values; what the network computes is tested elsewhere."""

import io
from dataclasses import replace

import pytest
import torch

from mepflow.errors import ConfigError
from mepflow.nn.graph import build_graph
from mepflow.nn.pinet2.pinet2_network import PiNet2
from mepflow.nn.pinet2.pinet2_settings import LayerNodes, PiNet2Settings
from pinet2_cases import all_outputs, molecule, settings


def count(**changes):
    values = {"depth": 5, "nodes": 16, "n_basis": 10, "outputs": ("p1", "p3")} | changes
    return sum(p.numel() for p in PiNet2(settings(**values)).parameters())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, 48_016),
        ({"weighted": True}, 52_626),
        ({"rank": 5, "outputs": ("p1", "p3", "p5")}, 55_952),
        ({"nodes": 64}, 729_664),
        ({"nodes": 64, "outputs": ("p1",)}, 708_544),
    ],
)
def test_parameter_counts_of_the_original(changes, expected):
    assert count(pinn_compatible=True, **changes) == expected


def test_parameters_that_ours_does_without():
    head_biases = 5 * 16
    residual_of_zeros = 16
    assert count() == 48_016 - head_biases - residual_of_zeros
    maps_of_zeros = 2
    assert count(weighted=True) == 52_626 - head_biases - residual_of_zeros - maps_of_zeros


def test_every_parameter_learns():
    model = PiNet2(settings(rank=5, weighted=True, outputs=all_outputs(5)))
    outputs = model(build_graph([molecule(1, 6)], 4.5, torch.float32))
    sum(values.square().sum() for values in outputs.values()).backward()
    dead = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert dead == []


def test_first_weights_are_glorot_uniform_and_biases_zero():
    model = PiNet2(settings(nodes=64, weighted=True, outputs=("p1", "p3")))
    for name, values in model.named_parameters():
        if name.endswith("bias"):
            assert not values.any()
            continue
        limit = (6.0 / sum(values.shape)) ** 0.5
        assert values.abs().max() <= limit
        if values.numel() > 4000:
            assert values.std().item() == pytest.approx(limit / 3**0.5, rel=0.05), name


def test_a_seed_gives_the_same_weights():
    first, same, other = (
        PiNet2(settings(), torch.Generator().manual_seed(seed)).state_dict() for seed in (1, 1, 2)
    )
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)
    torch.manual_seed(1)
    from_global = PiNet2(settings()).state_dict()
    torch.manual_seed(1)
    again = PiNet2(settings()).state_dict()
    assert all(torch.equal(from_global[name], again[name]) for name in again)


def test_only_requested_outputs_have_heads():
    graph = build_graph([molecule(1, 4)], 4.5, torch.float32)
    assert set(PiNet2(settings(outputs=("p3",)))(graph)) == {"p3"}
    shapes = {
        k: tuple(v.shape)
        for k, v in PiNet2(settings(rank=5, outputs=all_outputs(5)))(graph).items()
    }
    assert shapes == {"p1": (4,), "p3": (4, 3), "p5": (4, 5)}


def test_settings_survive_a_file_of_plain_values():
    for chosen in (
        settings(outputs=("p1", "p3")),
        settings(layer_nodes=LayerNodes((8,), (4, 8), (3, 8), (2,))),
    ):
        file = io.BytesIO()
        torch.save(chosen.to_dict(), file)
        file.seek(0)
        assert PiNet2Settings.from_dict(torch.load(file, weights_only=True)) == chosen


def test_widths_follow_the_nodes():
    assert replace(settings(nodes=4), nodes=8).layers == LayerNodes((8,), (8,) * 4, (8,) * 4, (8,))
    from_lists = settings(elements=[1, 6], outputs=["p1"], layer_nodes=[[8], [4, 8], [3, 8], [2]])
    assert hash(from_lists) == hash(replace(from_lists))
    assert from_lists.channels == 8


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rank": 2}, "rank is 2: use one of 1, 3, 5"),
        ({"cutoff_function": "f3"}, "use one of f1, f2, hip"),
        ({"weighted": [1]}, "use one of False, True"),
        ({"basis": "bessel"}, "use one of gaussian, polynomial"),
        ({"depth": 0}, "depth is 0"),
        ({"depth": 3.5}, "depth is 3.5: it must be a whole number"),
        ({"nodes": 10**9}, "nodes is 1000000000: it must be .* up to 10000"),
        ({"n_basis": True}, "n_basis is True: it must be a whole number"),
        ({"gamma_per_angstrom2": float("inf")}, "gamma_per_angstrom2 is inf: it must be a number"),
        ({"cutoff_angstrom": "4"}, "cutoff_angstrom is '4': it must be a number"),
        ({"layer_nodes": [[4], [2.5], [2], [4]]}, "layer_nodes has a width outside 1 to 10000"),
        ({"layer_nodes": [[4] * 200, [2], [2], [4]]}, "layer_nodes has an empty list or over 100"),
        ({"cutoff_angstrom": -1.0}, "cutoff_angstrom"),
        ({"elements": ()}, "elements"),
        ({"elements": (1, 1)}, "elements"),
        ({"outputs": ()}, "outputs"),
        ({"outputs": ("p5",)}, "rank 3 has p1, p3"),
        ({"outputs": ("p2",)}, "rank 3 has p1, p3"),
        ({"layer_nodes": LayerNodes((4,), (4,), (5,), (4,))}, "must be equal"),
        ({"layer_nodes": LayerNodes((), (4,), (4,), (4,))}, "empty list"),
    ],
)
def test_impossible_settings_are_refused(changes, words):
    with pytest.raises(ConfigError, match=words):
        settings(**changes)


def test_settings_of_a_file_with_other_keys_are_refused():
    plain = settings().to_dict()
    with pytest.raises(ConfigError, match="unknown colour"):
        PiNet2Settings.from_dict(plain | {"colour": "red"})
    del plain["rank"]
    with pytest.raises(ConfigError, match="no rank"):
        PiNet2Settings.from_dict(plain)


def test_the_whole_network_is_one_graph_for_the_compiler():
    """Values or numbers of pairs decide no branch, which would cost a new compilation each."""
    model = PiNet2(settings(depth=1, outputs=("p1", "p3"))).double()
    compiled = torch.compile(model, backend="eager", fullgraph=True, dynamic=True)
    for n_atoms in (6, 9):
        graph = build_graph([molecule(n_atoms, n_atoms)], 4.5)
        torch.testing.assert_close(compiled(graph), model(graph), rtol=0, atol=1e-14)

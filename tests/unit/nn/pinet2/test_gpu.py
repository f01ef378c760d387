"""The kernels for GPUs against the plain layers, in Triton's interpreter: see ``conftest.py``."""

import pytest
import torch

from mepflow.errors import MepflowError
from mepflow.nn import gpu, neighbour_kernels, stack_kernels
from mepflow.nn.graph import build_graph
from mepflow.nn.pinet2 import native
from mepflow.nn.pinet2.parity import TOLERANCES
from mepflow.nn.pinet2.pinet2_network import PiNet2
from mepflow.nn.pinet2.pinet2_settings import LayerNodes
from mepflow.nn.pinet2.recorded_network import load_recorded
from mepflow.nn.segments import segment_sum, spread
from pinet2_cases import RECORDINGS, all_outputs, molecule, settings

pytest.importorskip("triton")


@pytest.fixture(autouse=True)
def _interpreted(monkeypatch):
    monkeypatch.setenv("TRITON_INTERPRET", "1")


@pytest.fixture
def on_cpu():
    with gpu.only_on("cpu"), native.switched_off():
        yield


def network(**changes):
    model = PiNet2(settings(**changes), torch.Generator().manual_seed(5))
    generator = torch.Generator().manual_seed(6)
    for name, values in model.named_parameters():
        if name.endswith("bias"):
            values.data.normal_(0.0, 0.2, generator=generator)
    return model


def some_graph():
    return build_graph([molecule(k, n) for k, n in enumerate((5, 1, 9))], 4.5, torch.float32)


def results(model, graph):
    model.zero_grad()
    with native.switched_off():
        outputs = model(graph)
    sum((k + 1) * values.square().sum() for k, values in enumerate(outputs.values())).backward()
    return outputs, {name: values.grad.clone() for name, values in model.named_parameters()}


CASES = {
    "rank 1": {"rank": 1},
    "rank 3": {"outputs": all_outputs(3)},
    "rank 5": {"rank": 5, "outputs": all_outputs(5)},
    "weighted": {"rank": 5, "weighted": True, "outputs": all_outputs(5)},
    "PiNN's": {"rank": 3, "pinn_compatible": True, "outputs": all_outputs(3), "n_basis": 1},
    "odd widths": {
        "layer_nodes": LayerNodes((20,), (17, 5, 9), (33, 3, 8, 4, 9), (3,)),
        "depth": 3,
    },
    "two PI layers": {"layer_nodes": LayerNodes((6, 5), (4,), (4, 4), (4,))},
}


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES)
def test_network_and_gradients_are_those_of_the_plain_layers(changes):
    model, graph = network(**changes), some_graph()
    expected, gradients = results(model, graph)
    with gpu.only_on("cpu"):
        assert gpu.usable(graph.distance)
        found, of_kernels = results(model, graph)
    for name, values in expected.items():
        scale = values.abs().max().item()
        torch.testing.assert_close(found[name], values, rtol=0, atol=5e-6 * scale)
    difference = sum((of_kernels[k] - v).square().sum() for k, v in gradients.items())
    whole = sum(v.square().sum() for v in gradients.values())
    assert (difference / whole).sqrt() < 1e-6
    for name, values in gradients.items():
        scale = values.abs().max().item()
        torch.testing.assert_close(of_kernels[name], values, rtol=0, atol=3e-5 * scale)


def test_layers_too_wide_for_the_kernels_are_plain_ones(monkeypatch):
    launched = []
    launch = gpu.launch
    monkeypatch.setattr(gpu, "WIDEST", 8)
    monkeypatch.setattr(
        gpu,
        "launch",
        lambda name, *rest, **more: launched.append(name) or launch(name, *rest, **more),
    )
    model, graph = network(rank=5, outputs=all_outputs(5)), some_graph()
    expected, gradients = results(model, graph)
    with gpu.only_on("cpu"):
        found, of_kernels = results(model, graph)
    # II, PP and PP' of both blocks: those of the widths 4 between those of 12.
    assert launched.count("dense_stack") == 6
    for name, values in expected.items():
        torch.testing.assert_close(
            found[name], values, rtol=0, atol=1e-5 * values.abs().max().item()
        )
    for name, values in gradients.items():
        limit = 3e-5 * values.abs().max().item()
        torch.testing.assert_close(of_kernels[name], values, rtol=0, atol=limit)


@pytest.mark.parametrize("name", ["b_rank5_n16", "c_rank3_n64", "d_rank3_n16_weighted"])
def test_kernels_run_the_recorded_networks_of_pinn(name, on_cpu):
    path = RECORDINGS / f"{name}.npz"
    if not path.exists():
        pytest.skip("the recordings are not here")
    network = load_recorded(path, torch.float32)
    with torch.no_grad():
        outputs = network.model(network.graph)
    for output, values in outputs.items():
        key = "f32/output" if output == "p1" else f"f32/out_extra/{output}"
        recorded = torch.from_numpy(network.arrays[key]).reshape(values.shape)
        torch.testing.assert_close(values, recorded, rtol=0, atol=TOLERANCES["f32"])


def test_tanh_has_full_relative_accuracy(on_cpu):
    values = torch.cat([torch.logspace(-30, -1, 700), torch.linspace(0.1, 60.0, 800)])
    values = torch.cat([values, -values])
    pairs = neighbour_kernels.Neighbours.of_pairs(
        torch.zeros(1, dtype=int), torch.zeros(1, dtype=int), 1
    )
    found = neighbour_kernels.pair_interaction(
        values[None], torch.zeros(1, len(values)), torch.ones(1, 1), pairs
    )[0]
    error = (found.double() / values.double().tanh() - 1.0).abs().max().item()
    assert error < 4 * torch.finfo(torch.float32).eps
    wrong = neighbour_kernels.pair_interaction(
        torch.full((1, 16), torch.nan), torch.zeros(1, 16), torch.ones(1, 1), pairs
    )
    assert wrong.isnan().all()


def test_sums_of_segments_and_their_duals(on_cpu):
    index = torch.tensor([0, 0, 2, 2, 2, 5])  # some segments have no rows
    values = torch.randn(6, 3, 5, requires_grad=True)
    total = segment_sum(values, index, 7)
    expected = torch.zeros(7, 3, 5).index_add(0, index, values)
    torch.testing.assert_close(total, expected)
    assert torch.equal(torch.autograd.grad(total.square().sum() / 2, values)[0], total[index])
    rows = torch.randn(7, 5, requires_grad=True)
    assert torch.equal(spread(rows, index), rows[index])
    slope = torch.randn(6, 5)
    (gradient,) = torch.autograd.grad((spread(rows, index) * slope).sum(), rows)
    torch.testing.assert_close(gradient, torch.zeros(7, 5).index_add(0, index, slope))


def test_a_row_is_the_same_alone_and_among_others(on_cpu):
    weights = [torch.randn(8, 12), torch.randn(20, 8)]
    x = torch.randn(70, 12)
    biases = [torch.randn(8), None]
    together = stack_kernels.dense_stack(x, weights, biases)
    for row in (0, 33, 69):
        alone = stack_kernels.dense_stack(x[row : row + 1], weights, biases)
        assert torch.equal(alone[0], together[row])


def test_atoms_without_neighbours(on_cpu):
    model, graph = network(), build_graph([molecule(0, 1)], 4.5, torch.float32)
    assert torch.isfinite(model(graph)["p1"]).all()


def test_reversed_pairs():
    graph = some_graph()
    pairs = neighbour_kernels.Neighbours.of_pairs(graph.pair_i, graph.pair_j, len(graph.species))
    assert torch.equal(graph.pair_i[pairs.reverse], graph.pair_j)
    assert torch.equal(graph.pair_j[pairs.reverse], graph.pair_i)
    assert torch.equal(pairs.first.diff(), torch.bincount(graph.pair_i, minlength=pairs.n_atoms))


def test_precision_of_products_is_pytorchs():
    assert stack_kernels._precision() == "tf32x3"
    torch.set_float32_matmul_precision("high")
    try:
        assert stack_kernels._precision() == "tf32"
    finally:
        torch.set_float32_matmul_precision("highest")


def test_what_the_kernels_do_not_take():
    assert not gpu.usable(torch.zeros(1))
    with gpu.only_on("cpu"):
        assert gpu.usable(torch.zeros(1))
        assert not gpu.usable(torch.zeros(1, dtype=torch.float64))


def test_gradients_of_positions_are_those_of_the_plain_layers():
    model, graph = network(outputs=all_outputs(3)), some_graph()
    positions = graph.positions.clone().requires_grad_()

    def slope():
        outputs = model(graph.with_positions(positions))
        return torch.autograd.grad(outputs["p1"].square().sum(), positions)[0]

    with native.switched_off():
        expected = slope()
        with gpu.only_on("cpu"):
            torch.testing.assert_close(slope(), expected, rtol=0, atol=2e-5)


def test_a_second_derivative_is_refused(on_cpu):
    model, graph = network(), some_graph()
    positions = graph.positions.clone().requires_grad_()
    energy = model(graph.with_positions(positions))["p1"].sum()
    torch.autograd.grad(energy, positions, retain_graph=True)
    with pytest.raises(MepflowError, match="first derivatives only"):
        torch.autograd.grad(energy, positions, create_graph=True)


@pytest.mark.parametrize("operation", [segment_sum, lambda v, i, n: spread(v[:n], i)])
def test_a_second_derivative_of_a_sum_is_refused(on_cpu, operation):
    values = torch.randn(6, 3, requires_grad=True)
    total = operation(values, torch.tensor([0, 0, 1, 1, 1, 2]), 3).square().sum()
    with pytest.raises(MepflowError, match="first derivatives only"):
        torch.autograd.grad(total, values, create_graph=True)

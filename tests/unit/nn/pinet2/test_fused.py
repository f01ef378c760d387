"""The fused loops against PyTorch's own operations, which the other tests check."""

import contextlib
import platform
import resource
import subprocess

import numpy as np
import pytest
import torch

from mepflow.errors import MepflowError
from mepflow.nn.graph import UNKNOWN_SPECIES, build_graph
from mepflow.nn.pinet2 import fused, native
from mepflow.nn.pinet2.pinet2_network import PiNet2
from mepflow.nn.pinet2.pinet2_settings import LayerNodes
from pinet2_cases import all_outputs, molecule, settings

PRECISIONS = (torch.float32, torch.float64)


@pytest.fixture(autouse=True)
def _needs_a_compiler():
    if not native.usable(torch.zeros(1)):
        pytest.skip("no C++ compiler here")


def tanh(values):
    found = values.clone()
    native.call("tanh_in_place", found.dtype, found, found.numel())
    return found


@pytest.mark.parametrize("precision", PRECISIONS)
def test_tanh_has_full_relative_accuracy_and_is_odd(precision):
    rounding = torch.finfo(precision).eps
    values = torch.cat([torch.logspace(-30, -1, 5001), torch.linspace(0.1, 60.0, 40_001)])
    values = values.double().to(precision)
    exact = np.tanh(values.numpy().astype(np.longdouble))
    error = np.abs(tanh(values).numpy() / exact - 1.0).max()
    assert error < 2.5 * rounding
    assert torch.equal(tanh(-values), -tanh(values))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_tanh_of_what_is_no_number(precision):
    infinite = float("inf")
    values = torch.tensor([float("nan"), infinite, -infinite, 0.0, 1e30], dtype=precision)
    expected = torch.tensor([float("nan"), 1.0, -1.0, 0.0, 1.0], dtype=precision)
    assert torch.equal(tanh(values).nan_to_num(7.0), expected.nan_to_num(7.0))


def network(**changes):
    chosen = settings(**changes)
    model = PiNet2(chosen, torch.Generator().manual_seed(5)).double()
    generator = torch.Generator().manual_seed(6)
    for name, values in model.named_parameters():
        if name.endswith("bias"):
            values.data.normal_(0.0, 0.2, generator=generator)
    return model


def results(model, graph):
    """Return outputs, and gradients of the weights, positions, basis and directions included."""
    model.zero_grad()
    positions = graph.positions.clone().requires_grad_()
    outputs = model(graph.with_positions(positions))
    weights = torch.linspace(0.5, 1.5, len(positions), dtype=positions.dtype)
    sum(
        (v.square() * weights.view(-1, *[1] * (v.dim() - 1))).sum() for v in outputs.values()
    ).backward()
    found = {name: p.grad.clone() for name, p in model.named_parameters()}
    return {k: v.detach() for k, v in outputs.items()} | found | {"positions": positions.grad}


def largest_relative_difference(found, expected):
    return max(
        float((found[name] - expected[name]).norm() / expected[name].norm().clamp(min=1e-30))
        for name in expected
    )


CASES = {
    "scalars": {"rank": 1},
    "vectors": {"rank": 3},
    "matrices": {"rank": 5, "weighted": True},
    "compatible": {"rank": 5, "pinn_compatible": True},
    "wide": {"rank": 3, "nodes": 33},
    "uneven": {"layer_nodes": LayerNodes((3,), (5, 7), (2, 7), (4,))},
}


@pytest.mark.parametrize("chunk_cost", [1, 300, 2048])
@pytest.mark.parametrize("case", CASES)
def test_the_network_and_its_gradients_are_the_plain_ones(monkeypatch, case, chunk_cost):
    monkeypatch.setattr(fused, "CHUNK_COST", chunk_cost)
    chosen = {"rank": 3, **CASES[case]}
    model = network(**chosen, outputs=all_outputs(chosen["rank"]))
    lonely = ([0, 1], [[0.0, 0.0, 0.0], [9.0, 0.0, 0.0]])
    graph = build_graph([molecule(1, 7), lonely, molecule(2, 12), molecule(3, 1)], 4.5)
    found = results(model, graph)
    with native.switched_off():
        expected = results(model, graph)
    assert largest_relative_difference(found, expected) < 1e-12
    single = results(model.float(), graph.to(dtype=torch.float32))
    assert largest_relative_difference(single, expected) < 1e-5


def test_without_gradients_nothing_is_kept_and_the_outputs_are_the_same_bits(monkeypatch):
    sizes = []

    class Lease(fused._Lease):
        def __init__(self, size):
            sizes.append(size)
            super().__init__(size)

    monkeypatch.setattr(fused, "_Lease", Lease)
    model = network()
    graph = build_graph([molecule(seed, 9) for seed in range(30)], 4.5)
    kept = model(graph)["p1"]
    with_gradient = sizes.copy()
    sizes.clear()
    with torch.no_grad():
        assert torch.equal(model(graph)["p1"], kept)
    assert sum(sizes) < 0.5 * sum(with_gradient)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc")
def test_memory_that_a_step_frees_is_there_for_the_next():
    def pages_fetched(steps):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(steps):
            torch.ones(1 << 20).add(1.0)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    pages_fetched(50)  # the heap grows until it has a place for everything
    one_step = 2 * (1 << 22) // resource.getpagesize()
    assert pages_fetched(50) < 5 * one_step


def test_the_number_of_threads_changes_rounding_at_most():
    model = network(nodes=16)
    graph = build_graph([molecule(seed, 6 + seed) for seed in range(9)], 4.5)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = results(model, graph)
        torch.set_num_threads(3)
        three = results(model, graph)
    finally:
        torch.set_num_threads(before)
    assert largest_relative_difference(three, one) < 1e-14


def test_a_molecule_has_the_same_bits_in_every_batch():
    model = network(nodes=16).float()
    molecules = [molecule(seed, 3 + 2 * seed) for seed in range(8)]
    with torch.no_grad():
        together = model(build_graph(molecules, 4.5, torch.float32))["p1"]
        alone = [model(build_graph([one], 4.5, torch.float32))["p1"] for one in molecules]
    assert torch.equal(together, torch.cat(alone))


def test_gradients_have_the_same_bits_every_time():
    model = network(nodes=16)
    graph = build_graph([molecule(seed, 6 + seed) for seed in range(5)], 4.5)
    first, second = results(model, graph), results(model, graph)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_atoms_of_unknown_elements_have_the_shares_of_none():
    model = network()
    species, positions = molecule(1, 9)
    graph = build_graph([(np.where(species > 2, UNKNOWN_SPECIES, species), positions)], 4.5)
    found = results(model, graph)
    with native.switched_off():
        expected = results(model, graph)
    assert (graph.species == UNKNOWN_SPECIES).any()
    assert largest_relative_difference(found, expected) < 1e-12


@pytest.mark.parametrize("molecules", [[], [([0], [[0.0, 0.0, 0.0]])]])
def test_nothing_and_a_single_atom(molecules):
    model, graph = network(), build_graph(molecules, 4.5)
    found = model(graph)["p1"]
    with native.switched_off():
        expected = model(graph)["p1"]
    torch.testing.assert_close(found, expected, rtol=1e-13, atol=1e-15)
    found.sum().backward()


def test_weights_changed_before_the_gradient_are_an_error():
    model = network()
    output = model(build_graph([molecule(1, 5)], 4.5))["p1"].sum()
    with torch.no_grad():
        next(model.parameters()).mul_(2.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        output.backward()


def test_frozen_weights_do_not_need_gradients():
    model, graph = network(), build_graph([molecule(1, 6)], 4.5)
    model.requires_grad_(requires_grad=False)
    positions = graph.positions.clone().requires_grad_()
    slope = torch.autograd.grad(model(graph.with_positions(positions))["p1"].sum(), positions)[0]
    model.requires_grad_(requires_grad=True)
    positions = graph.positions.clone().requires_grad_()
    again = torch.autograd.grad(model(graph.with_positions(positions))["p1"].sum(), positions)[0]
    assert slope.abs().max() > 1e-6
    assert torch.equal(slope, again)


def test_the_loops_are_not_used_where_they_cannot_be():
    assert not native.usable(torch.zeros(1, dtype=torch.bfloat16))
    assert not native.usable(torch.zeros(1), torch.zeros(1, dtype=torch.float64))
    assert not native.usable(torch.zeros(1, device="meta"))
    with torch.autocast("cpu", torch.bfloat16):
        assert not native.usable(torch.zeros(1))
    with native.switched_off():
        assert not native.usable(torch.zeros(1))
    assert native.usable(torch.zeros(1))


@pytest.fixture
def fresh_library(monkeypatch, tmp_path):
    """Look for the library anew, in an empty cache, and forget what the test made of it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    native._library.cache_clear()
    yield tmp_path
    native._library.cache_clear()


def test_it_is_compiled_once(fresh_library):
    assert native.usable(torch.zeros(1))
    (library,) = fresh_library.rglob("*.so")
    written = library.stat().st_mtime_ns
    native._library.cache_clear()
    assert native.usable(torch.zeros(1))
    assert library.stat().st_mtime_ns == written


@pytest.mark.parametrize("compiler", ["no-such-compiler", "false"])
def test_without_a_compiler_the_network_is_plain_and_says_so(
    fresh_library, monkeypatch, caplog, compiler
):
    monkeypatch.setenv("CXX", compiler)
    caplog.set_level("INFO")
    assert not native.usable(torch.zeros(1))
    assert "without its compiled loops" in caplog.text
    model = network()
    assert torch.isfinite(model(build_graph([molecule(1, 4)], 4.5))["p1"]).all()


def test_a_compiler_that_fails_is_quoted(fresh_library, monkeypatch, caplog):
    def fail(command, **options):
        raise subprocess.CalledProcessError(1, command, stderr="unknown option\nmore")

    monkeypatch.setattr(subprocess, "run", fail)
    caplog.set_level("INFO")
    assert not native.usable(torch.zeros(1))
    assert caplog.messages[-1].endswith("slower: unknown option")


def force_loss_gradient(model, graph):
    """Return the gradient of the weights of a loss on forces."""
    positions = graph.positions.clone().requires_grad_()
    energy = model(graph.with_positions(positions))["p1"].sum()
    (forces,) = torch.autograd.grad(energy, positions, create_graph=True)
    return torch.autograd.grad(forces.square().sum(), next(model.parameters()))[0]


def test_a_second_derivative_is_refused_and_the_plain_layers_have_it():
    model, graph = network(), build_graph([molecule(0, 5)], 4.5, torch.float64)
    with pytest.raises(MepflowError, match="first derivatives only"):
        force_loss_gradient(model, graph)
    with native.switched_off():
        assert force_loss_gradient(model, graph).norm() > 0


def test_charges_and_energies_of_one_network_are_those_of_the_plain_layers():
    names = ("p1", "p3", "energy")
    model = PiNet2(settings(outputs=names), torch.Generator().manual_seed(5)).double()
    graph = build_graph([molecule(1, 5), molecule(2, 9)], 4.5)
    found = {}
    for plain in (False, True):
        with native.switched_off() if plain else contextlib.nullcontext():
            outputs = model(graph)
        assert tuple(outputs) == names
        loss = sum((k + 1) * outputs[name].square().sum() for k, name in enumerate(names))
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        found[plain] = [*outputs.values(), *gradients]
    assert float((found[True][0] - found[True][2]).detach().abs().max()) > 1e-3
    for fast, slow in zip(*found.values(), strict=True):
        torch.testing.assert_close(fast, slow, rtol=1e-12, atol=1e-13)

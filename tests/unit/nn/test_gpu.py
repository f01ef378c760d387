"""The kernels for GPUs against the plain layers, in Triton's interpreter."""

import os

os.environ["TRITON_INTERPRET"] = "1"  # read where a kernel is defined

import pytest
import torch
from pinet2_cases import all_outputs, molecule, settings

from mepflow.nn import gpu, native
from mepflow.nn.graph import build_graph
from mepflow.nn.pinet2 import LayerNodes, PiNet2

pytest.importorskip("triton")


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
    with gpu.also_on("cpu"):
        found, of_kernels = results(model, graph)
    for name, values in expected.items():
        scale = values.abs().max().item()
        torch.testing.assert_close(found[name], values, rtol=0, atol=2e-6 * scale)
    for name, values in gradients.items():
        scale = values.abs().max().item()
        torch.testing.assert_close(of_kernels[name], values, rtol=0, atol=5e-6 * scale)

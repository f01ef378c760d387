import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mepflow.models.multipole_model import constrain_charges
from mepflow.nn.graph import Graph
from mepflow.nn.pinet2.recorded_network import RecordedNetwork, load_recorded, to_parameters
from mepflow.nn.segments import segment_sum
from mepflow.training.optimizer import (
    AmsGrad,
    FlatParameters,
    KerasAdam,
    WeightAverage,
    _in_one,
    clip_norm,
)

RECORDINGS = Path(__file__).parents[4] / "shared" / "data" / "pinn_parity"
NETWORK = RECORDINGS / "a_rank3_n16.npz"
TRAINING = RECORDINGS / "e_train_a_rank3_n16.npz"


def single(value: float) -> float:
    """Round as Keras does, which keeps hyperparameters in float32 whatever the weights are."""
    return float(np.float32(value))


def dipole(outputs: dict[str, Tensor], graph: Graph, *, vectors: bool) -> Tensor:
    neutral = outputs["p1"].new_zeros(graph.n_molecules)
    charges = constrain_charges(outputs["p1"], neutral, graph.molecule)
    total = segment_sum(charges[:, None] * graph.positions, graph.molecule, graph.n_molecules)
    if vectors:
        total = total + segment_sum(outputs["p3"], graph.molecule, graph.n_molecules)
    return total


def length(vectors: Tensor, shift: float = 0.0) -> Tensor:
    return (vectors.square().sum(dim=1) + shift).sqrt()


ERRORS: dict[str, Callable[[dict[str, Tensor], Graph, Tensor], Tensor]] = {
    "AC_vec": lambda out, graph, target: dipole(out, graph, vectors=False) - target,
    "AC_AD_vec": lambda out, graph, target: dipole(out, graph, vectors=True) - target,
    "AC_norm": lambda out, graph, target: (
        length(dipole(out, graph, vectors=False), 1e-6) - length(target)
    ),
}


@pytest.mark.skipif(not TRAINING.exists(), reason="the recorded training is not here")
@pytest.mark.parametrize("case", ERRORS)
def test_follows_a_recorded_training_of_pinn(case: str) -> None:
    recorded = np.load(TRAINING)
    network = load_recorded(NETWORK)
    with torch.no_grad():  # that training started with the biases of the vector heads at 0
        for name, parameter in network.model.named_parameters():
            if ".p3.hidden" in name and name.endswith("bias"):
                parameter.zero_()
    target = torch.from_numpy(recorded["target_vec"])
    weights = FlatParameters(network.model)
    optimizer = KerasAdam(weights.values, 1e-7, betas=(single(0.9), single(0.999)))
    losses, norms = [], []
    for step in range(20):
        decay = single(single(0.994) ** single(step / 10_000))
        errors = ERRORS[case](network.model(network.graph), network.graph, target)
        loss = errors.square().mean()
        gradient = weights.gradient(loss)
        if step == 0:
            compare_gradients(network, gradient, recorded, case)
        norms.append(clip_norm(gradient, 0.01).item())
        optimizer.begin_step(single(single(1e-4) * decay))
        optimizer.update(gradient)
        losses.append(loss.item())
    np.testing.assert_allclose(losses, recorded[f"{case}/loss"], rtol=1e-12)
    np.testing.assert_allclose(norms, recorded[f"{case}/grad_global_norm"], rtol=1e-11)


def compare_gradients(
    network: RecordedNetwork, flat: Tensor, recorded: np.lib.npyio.NpzFile, case: str
) -> None:
    prefix = f"{case}/grad0/"
    gradients = {n.removeprefix(prefix): v for n, v in recorded.items() if n.startswith(prefix)}
    assert gradients
    parameters = dict(network.model.named_parameters())
    pieces = torch.split(flat, [values.numel() for values in parameters.values()])
    found = {n: piece.view_as(parameters[n]) for n, piece in zip(parameters, pieces, strict=True)}
    for name, expected in to_parameters(network.settings, gradients).items():
        gradient = found[name]
        scale = expected.abs().max().item()
        np.testing.assert_allclose(gradient.numpy(), expected.numpy(), rtol=0, atol=1e-12 * scale)


def some_weights() -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.randn(23, generator=generator, dtype=torch.float64)


def gradient(step: int, parameter: np.ndarray) -> np.ndarray:
    return 1e-3 * np.sin(parameter * (step + 1))


@pytest.mark.parametrize("epsilon", [1e-7, 1e-3])
def test_agrees_with_keras_adam_written_out(epsilon: float) -> None:
    weights = some_weights()
    p = weights.detach().numpy().copy()
    m, v = np.zeros_like(p), np.zeros_like(p)
    optimizer = KerasAdam(weights, epsilon)
    for step in range(12):
        rate = 0.01 * 0.9**step
        factor = rate * np.sqrt(1 - 0.999 ** (step + 1)) / (1 - 0.9 ** (step + 1))
        g = gradient(step, p)
        m += 0.1 * (g - m)
        v += 0.001 * (g * g - v)
        p -= factor * m / (np.sqrt(v) + epsilon)
        optimizer.begin_step(rate)
        optimizer.update(torch.from_numpy(gradient(step, weights.numpy())))
    np.testing.assert_allclose(weights, p, rtol=1e-12)


def test_agrees_with_pytorch_where_epsilon_does_not_matter() -> None:
    ours, theirs = some_weights(), some_weights()
    optimizer, other = KerasAdam(ours, 1e-25), torch.optim.Adam([theirs], lr=0.01, eps=1e-25)
    for step in range(12):
        optimizer.begin_step(0.01)
        optimizer.update(torch.from_numpy(gradient(step, ours.numpy())))
        theirs.grad = torch.from_numpy(gradient(step, theirs.numpy()))
        other.step()
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_continues_bit_for_bit_from_its_saved_state() -> None:
    def run(optimizer: KerasAdam, weights: Tensor, steps: range) -> None:
        for step in steps:
            optimizer.begin_step(0.01)
            optimizer.update(torch.from_numpy(gradient(step, weights.numpy())))

    whole = some_weights()
    run(KerasAdam(whole, 1e-3), whole, range(10))
    first = some_weights()
    optimizer = KerasAdam(first, 1e-3)
    run(optimizer, first, range(4))
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    second = first.clone()
    resumed = KerasAdam(second, 1e-3)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    run(resumed, second, range(4, 10))
    assert torch.equal(whole, second)


def test_clip_scales_a_larger_gradient_to_the_norm() -> None:
    gradient = torch.tensor([3.0, 0.0, -4.0], dtype=torch.float64)
    assert clip_norm(gradient, 0.5).item() == 5.0
    np.testing.assert_allclose(gradient, [0.3, 0.0, -0.4], rtol=1e-15)


def test_clip_leaves_a_smaller_gradient_alone_to_the_bit() -> None:
    gradient = torch.full((7,), 1e-6)
    clip_norm(gradient, 1.0)
    assert (gradient == 1e-6).all()
    clip_norm(nothing := torch.zeros(3), 1.0)
    assert (nothing == 0.0).all()


def test_flat_parameter_and_module_are_the_same_numbers() -> None:
    torch.manual_seed(1)
    module = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1, bias=False))
    names = list(module.state_dict())
    before = torch.cat([values.reshape(-1) for values in module.state_dict().values()])
    x = torch.randn(5, 3)
    expected = torch.autograd.grad(module(x).sum(), list(module.parameters()))
    flat = FlatParameters(module)
    assert list(module.state_dict()) == names
    assert torch.equal(flat.values, before)
    gradients = torch.cat([values.reshape(-1) for values in expected])
    assert torch.equal(flat.gradient(module(x).sum()), gradients)
    flat.values.mul_(0.0)
    assert module(x).abs().max() == 0.0


def test_the_gradient_of_what_a_loss_does_not_see_is_zero() -> None:
    module = nn.ModuleList([nn.Linear(2, 1), nn.Linear(3, 1)])
    gradient = FlatParameters(module).gradient(module[0](torch.ones(1, 2)).sum())
    assert gradient.tolist() == [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]


def test_gradients_that_lie_one_after_the_other_are_not_copied() -> None:
    whole = torch.randn(10)
    first, second = whole[:6].view(2, 3), whole[6:]
    joined = _in_one([first, second])
    assert torch.equal(joined, whole)
    assert joined.data_ptr() == whole.data_ptr()
    for pieces in ([second, first], [first, second.clone()], [first, whole[7:]], [first.T, second]):
        copied = _in_one(pieces)
        assert copied.data_ptr() != whole.data_ptr()
        assert torch.equal(copied, torch.cat([piece.reshape(-1) for piece in pieces]))


def test_amsgrad_never_divides_by_less_than_it_did() -> None:
    weights = torch.tensor([1.0, -2.0], dtype=torch.float64)
    optimizer = AmsGrad(weights, epsilon=1e-3)
    expected, first, second, largest = weights.numpy().copy(), np.zeros(2), np.zeros(2), np.zeros(2)
    for step, size in enumerate((5.0, 0.1, 0.1, 0.1), start=1):
        gradient = np.array([size, -2.0 * size])
        optimizer.begin_step(0.1)
        optimizer.update(torch.from_numpy(gradient))
        first = 0.9 * first + 0.1 * gradient
        second = 0.99 * second + 0.01 * gradient**2
        largest = np.maximum(largest, second)
        rate = 0.1 * np.sqrt(1 - 0.99**step) / (1 - 0.9**step)
        expected = expected - rate * first / (np.sqrt(largest) + 1e-3)
        np.testing.assert_allclose(weights.numpy(), expected, rtol=1e-13)
    assert (largest > second).all()
    again = AmsGrad(weights.clone(), epsilon=1e-3)
    again.load_state_dict(optimizer.state_dict())
    np.testing.assert_allclose(again.state_dict()["largest_second_moment"].numpy(), largest)


def test_the_average_of_weights_follows_them_and_gives_way_to_them() -> None:
    weights = torch.tensor([8.0], dtype=torch.float64)
    average = WeightAverage(weights, decay=0.5)
    expected = 8.0
    for steps_done in range(12):
        average.begin_step(steps_done)
        weights += 1.0
        average.update()
        decay = min(0.5, (1 + steps_done) / (10 + steps_done))
        expected = decay * expected + (1 - decay) * float(weights)
    with average.in_place():
        assert float(weights) == pytest.approx(expected, rel=1e-14)
    assert float(weights) == 20.0

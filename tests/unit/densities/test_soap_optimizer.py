"""SOAP: its steps against the algorithm written out, and its use."""

import copy

import numpy as np
import torch
from torch import nn

from mepflow.densities.soap_optimizer import DECAY, EPSILON, REFRESHED_EVERY, Soap


def parameters(seed: int = 1) -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(seed)
    shapes = ((3, 4, 4), (3, 3))  # square: else the first eigenvectors are not unique
    return [nn.Parameter(torch.randn(*s, generator=generator).double()) for s in shapes]


def set_gradients(weights: list[nn.Parameter], step: int) -> None:
    generator = torch.Generator().manual_seed(100 + step)
    for values in weights:
        values.grad = torch.randn(*values.shape, generator=generator).double()


def plain_soap(start: np.ndarray, gradients: list[np.ndarray], rate: float) -> np.ndarray:
    """Return one matrix (m, n) after algorithm 3 of the paper, loops and NumPy alone."""
    value, (rows, columns) = start.copy(), start.shape
    left, right = np.zeros((rows, rows)), np.zeros((columns, columns))
    first, second = np.zeros(start.shape), np.zeros(start.shape)
    for step, gradient in enumerate(gradients, start=1):
        if step > 1:
            first = DECAY * first + (1 - DECAY) * gradient
            turned = ql.T @ gradient @ qr  # noqa: F821  known after the first step
            second = DECAY * second + (1 - DECAY) * turned**2
            correction = 1 - DECAY ** (step - 1)
            mean = ql.T @ first @ qr / correction  # noqa: F821
            value -= rate * ql @ (mean / (np.sqrt(second / correction) + EPSILON)) @ qr.T  # noqa: F821
        left = DECAY * left + (1 - DECAY) * gradient @ gradient.T
        right = DECAY * right + (1 - DECAY) * gradient.T @ gradient
        if step == 1:
            ql, qr = (np.linalg.eigh(m)[1][:, ::-1] for m in (left, right))
        elif step % REFRESHED_EVERY == 0:
            order = [
                np.argsort(-np.diag(q.T @ m @ q), kind="stable")
                for q, m in ((ql, left), (qr, right))
            ]
            second = second[np.ix_(*order)]
            ql = np.linalg.qr(left @ ql[:, order[0]])[0]
            qr = np.linalg.qr(right @ qr[:, order[1]])[0]
    return value


def test_steps_are_those_of_the_algorithm() -> None:
    weights = parameters()
    start = [p.detach().numpy().copy() for p in weights]
    optimizer = Soap(weights)
    history: list[list[np.ndarray]] = [[], []]
    for step in range(2 * REFRESHED_EVERY + 3):
        set_gradients(weights, step)
        for past, values in zip(history, weights, strict=True):
            assert values.grad is not None
            past.append(values.grad.numpy().copy())
        optimizer.step(0.01)
    for number in range(3):
        own = plain_soap(start[0][number], [g[number] for g in history[0]], 0.01)
        np.testing.assert_allclose(weights[0].detach().numpy()[number], own, atol=1e-10)
    own = plain_soap(start[1], history[1], 0.01)
    np.testing.assert_allclose(weights[1].detach().numpy(), own, atol=1e-10)
    assert np.abs(own - start[1]).max() > 0.01


def test_a_restored_state_goes_on_to_the_same_bits() -> None:
    whole, halves = parameters(), parameters()
    straight, first = Soap(whole), Soap(halves)
    for step in range(12):
        set_gradients(whole, step)
        straight.step(0.01)
    for step in range(7):
        set_gradients(halves, step)
        first.step(0.01)
    second = Soap(halves)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for step in range(7, 12):
        set_gradients(halves, step)
        second.step(0.01)
    for a, b in zip(whole, halves, strict=True):
        assert torch.equal(a, b)


def test_it_solves_badly_scaled_least_squares() -> None:
    generator = torch.Generator().manual_seed(3)
    scales = torch.logspace(0, -3, 6, dtype=torch.float64)
    turn = torch.linalg.qr(torch.randn(6, 6, generator=generator).double())[0]
    inputs = torch.randn(200, 6, generator=generator).double() * scales @ turn
    truth = torch.randn(6, 2, generator=generator).double()
    weights = nn.Parameter(torch.zeros(6, 2, dtype=torch.float64))
    optimizer = Soap([weights])
    for step in range(400):
        weights.grad = None
        loss = (inputs @ (weights - truth)).square().mean()
        loss.backward()
        optimizer.step(0.05 * (1.0 - step / 400))
    assert (weights - truth).abs().max() < 0.05

"""SOAP: Adam in the eigenbasis of Shampoo's factors, for weights that are many small matrices.

N. Vyas et al., ICLR 2025 (arXiv:2409.11321), algorithm 3. For the gradient G (m, n) of a matrix,
running means of G Gᵀ and Gᵀ G have eigenvectors in which Adam's step is taken; they follow by a QR
factorisation every few steps.
"""

from collections.abc import Iterable
from typing import Any, Final

import torch
from torch import Tensor, nn

DECAY: Final = 0.95
"""Of all running means, as in the paper."""
EPSILON: Final = 1e-8
REFRESHED_EVERY: Final = 10
"""Steps between two QR factorisations."""


class Soap:
    """The optimiser of matrices: parameters (m, n), or k of them in one, (k, m, n)."""

    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        self._parameters = list(parameters)
        self._steps_done = 0
        self._states = [_zero_state(_as_matrices(p.detach())) for p in self._parameters]

    def step(self, learning_rate: float) -> None:
        """Change the parameters along their gradients, which are there.

        The first step only begins the running means, as in the paper.
        """
        self._steps_done += 1
        for parameter, state in zip(self._parameters, self._states, strict=True):
            assert parameter.grad is not None
            gradient = _as_matrices(parameter.grad)
            if self._steps_done > 1:
                change = _adam_step(state, gradient, self._steps_done - 1)
                parameter.data.sub_(learning_rate * change.reshape(parameter.shape))
            _follow(state, gradient)
            if self._steps_done == 1:
                for side in ("left", "right"):
                    state[f"{side}_basis"] = torch.linalg.eigh(state[side])[1].flip(-1).contiguous()
            elif self._steps_done % REFRESHED_EVERY == 0:
                _refresh(state)

    def state_dict(self) -> dict[str, Any]:
        """Return what :meth:`load_state_dict` needs to go on."""
        return {"steps_done": self._steps_done, "states": [dict(s) for s in self._states]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self._steps_done = int(state["steps_done"])
        self._states = [
            {name: values.to(own["first"].device).clone() for name, values in saved.items()}
            for saved, own in zip(state["states"], self._states, strict=True)
        ]


def _as_matrices(values: Tensor) -> Tensor:
    return values if values.dim() == 3 else values[None]


def _zero_state(values: Tensor) -> dict[str, Tensor]:
    count, rows, columns = values.shape
    left, right = values.new_zeros(count, rows, rows), values.new_zeros(count, columns, columns)
    return {
        "first": torch.zeros_like(values),
        "second": torch.zeros_like(values),  # in the eigenbasis
        "left": left,
        "right": right,
        "left_basis": torch.eye(rows, dtype=values.dtype, device=values.device) + left,
        "right_basis": torch.eye(columns, dtype=values.dtype, device=values.device) + right,
    }


def _adam_step(state: dict[str, Tensor], gradient: Tensor, steps: int) -> Tensor:
    """Return the direction of a step for a gradient (k, m, n)."""
    left, right = state["left_basis"], state["right_basis"]
    state["first"].lerp_(gradient, 1.0 - DECAY)
    turned = left.mT @ gradient @ right
    state["second"].mul_(DECAY).addcmul_(turned, turned, value=1.0 - DECAY)
    correction = 1.0 - DECAY**steps
    mean = left.mT @ state["first"] @ right / correction
    step = mean / ((state["second"] / correction).sqrt() + EPSILON)
    return left @ step @ right.mT


def _follow(state: dict[str, Tensor], gradient: Tensor) -> None:
    state["left"].lerp_(gradient @ gradient.mT, 1.0 - DECAY)
    state["right"].lerp_(gradient.mT @ gradient, 1.0 - DECAY)


def _refresh(state: dict[str, Tensor]) -> None:
    """Turn the eigenbases by a power iteration and QR; sort them, and the second moments alike."""
    for side, dimension in (("left", 1), ("right", 2)):
        basis, matrix = state[f"{side}_basis"], state[side]
        values = ((matrix @ basis) * basis).sum(dim=1)  # (k, size)
        order = values.argsort(dim=1, descending=True, stable=True)
        basis = basis.take_along_dim(order[:, None, :], dim=2)
        moved = order[:, :, None] if dimension == 1 else order[:, None, :]
        state["second"] = state["second"].take_along_dim(moved, dim=dimension)
        state[f"{side}_basis"] = torch.linalg.qr(matrix @ basis)[0]

"""The Boys functions of torch tensors, which can be differentiated: F_l′ = −F_{l+1}."""

from typing import Any

import torch
from torch import Tensor

from mepflow.densities.boys_function import _values


class _Boys(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, order: int, argument: Tensor) -> Tensor:
        ctx.order = order
        ctx.save_for_backward(argument)
        values: Tensor = _values(order, argument, torch, torch.special.gammainc)
        return values

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor]:
        (argument,) = ctx.saved_tensors
        return None, -gradients[0] * differentiable_boys(ctx.order + 1, argument)


def differentiable_boys(order: int, argument: Tensor) -> Tensor:
    """Return F_l of a tensor, l = ``order``."""
    values: Tensor = _Boys.apply(order, argument)  # type: ignore[no-untyped-call]
    return values

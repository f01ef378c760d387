"""A guard of operations that have first derivatives only."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import torch

from mepflow.errors import MepflowError

_P = ParamSpec("_P")
_R = TypeVar("_R")


def first_derivatives_only(backward: Callable[_P, _R]) -> Callable[_P, _R]:
    """Return the ``backward`` of a function of autograd, which then refuses ``create_graph=True``.

    The gradient of a gradient, as of a loss on forces, would be 0 without an error: PyTorch's own
    ``once_differentiable`` complains only where the incoming gradient needs a gradient itself.
    """

    @wraps(backward)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        if torch.is_grad_enabled():  # which autograd does under create_graph=True alone
            raise MepflowError(
                "The fast kernels have first derivatives only: a loss on forces needs the plain "
                "layers, in a block of mepflow.nn.gpu.only_on() and native.switched_off()."
            )
        return backward(*args, **kwargs)

    return guarded

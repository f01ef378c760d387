r"""Adam as PiNN's networks were trained with it, and its gradient clip.

Both differ from PyTorch's by an epsilon that matters here: clipped to a global norm of 0.01, the
gradients are about 1e-5 per weight.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn


class KerasAdam(torch.optim.Adam):
    r"""Adam with epsilon outside the bias correction, as in Keras' legacy optimiser.

    .. math:: \Delta w = -\alpha \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t}
                         \frac{m}{\sqrt v + \epsilon}

    PyTorch adds its epsilon to :math:`\sqrt{v / (1 - \beta_2^t)}` instead, so step t is PyTorch's
    with :math:`\epsilon / \sqrt{1 - \beta_2^t}`.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        learning_rate: float,
        epsilon: float,
        betas: tuple[float, float] = (0.9, 0.999),
    ) -> None:
        super().__init__(parameters, lr=learning_rate, betas=betas, eps=epsilon, fused=True)
        for group in self.param_groups:
            group.update(keras_epsilon=epsilon, steps_done=0)

    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Change the parameters by one step along their gradients."""
        for group in self.param_groups:
            group["steps_done"] += 1
            correction: float = 1.0 - group["betas"][1] ** group["steps_done"]
            group["eps"] = group["keras_epsilon"] / correction**0.5
        return super().step(closure)


def flatten_parameters(module: nn.Module) -> nn.Parameter:
    """Return one parameter that holds all of ``module``'s, and its gradient all their gradients.

    The module's parameters become views of it, so an update is a few operations on one tensor and
    not on the hundred small ones of a network. The module must not change its device or precision
    afterwards, and gradients must be set to zero in place, not removed.
    """
    parameters = list(module.parameters())
    flat = nn.Parameter(torch.cat([values.detach().reshape(-1) for values in parameters]))
    flat.grad = torch.zeros_like(flat)
    sizes = [values.numel() for values in parameters]
    pieces, gradients = (torch.split(whole, sizes) for whole in (flat.detach(), flat.grad))
    for values, piece, gradient in zip(parameters, pieces, gradients, strict=True):
        values.data = piece.view_as(values)
        values.grad = gradient.view_as(values)
    return flat


def clip_norm(gradient: Tensor, max_norm: float) -> Tensor:
    """Scale ``gradient`` in place to a norm of ``max_norm`` if it is larger; return the old norm.

    With all parameters in one, this is tf.clip_by_global_norm; PyTorch's own adds 1e-6 to the norm.
    A NaN stays.
    """
    norm: Tensor = torch.linalg.vector_norm(gradient)
    gradient *= (max_norm / norm).clamp(max=1.0)
    return norm

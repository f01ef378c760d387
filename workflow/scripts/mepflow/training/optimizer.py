r"""Adam as PiNN's networks were trained with it, and its gradient clip.

Both differ from PyTorch's by an epsilon that matters here: clipped to a global norm of 0.01, the
gradients are about 1e-5 per weight.
"""

from typing import Any

import torch
from torch import Tensor, nn


class KerasAdam:
    r"""Adam with epsilon outside the bias correction, as in Keras' legacy optimiser, of one tensor.

    .. math:: \Delta w = -\alpha \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t}
                         \frac{m}{\sqrt v + \epsilon}

    PyTorch's own adds its epsilon to :math:`\sqrt{v / (1 - \beta_2^t)}` instead; and its optimisers
    import PyTorch's compiler, which takes longer than many of a small network's steps.
    """

    def __init__(
        self,
        weights: nn.Parameter,
        learning_rate: float,
        epsilon: float,
        betas: tuple[float, float] = (0.9, 0.999),
    ) -> None:
        self.learning_rate = learning_rate
        self._weights = weights
        self._epsilon = epsilon
        self._betas = betas
        self._steps_done = 0
        self._first = torch.zeros_like(weights, requires_grad=False)
        self._second = torch.zeros_like(weights, requires_grad=False)

    def zero_gradient(self) -> None:
        """Set the gradient to zero in place, where there is one."""
        if self._weights.grad is not None:
            self._weights.grad.zero_()

    def step(self) -> None:
        """Change the weights by one step along their gradient; raises ``ValueError`` without it."""
        gradient = self._weights.grad
        if gradient is None:
            raise ValueError("no gradient has been computed")
        self._steps_done += 1
        decay_1, decay_2 = self._betas
        self._first.lerp_(gradient, 1.0 - decay_1)
        self._second.mul_(decay_2).addcmul_(gradient, gradient, value=1.0 - decay_2)
        correction = (1.0 - decay_2**self._steps_done) ** 0.5 / (1.0 - decay_1**self._steps_done)
        with torch.no_grad():
            self._weights.addcdiv_(
                self._first,
                self._second.sqrt().add_(self._epsilon),
                value=-self.learning_rate * correction,
            )

    def state_dict(self) -> dict[str, Any]:
        """Return what :meth:`load_state_dict` needs to go on, without learning rate and betas.

        The tensors are those in use: a later step changes them.
        """
        return {
            "steps_done": self._steps_done,
            "first_moment": self._first,
            "second_moment": self._second,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self._steps_done = int(state["steps_done"])
        self._first.copy_(state["first_moment"])
        self._second.copy_(state["second_moment"])


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

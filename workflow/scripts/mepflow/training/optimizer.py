r"""Adam as PiNN's networks were trained with it, and its gradient clip.

Both differ from PyTorch's by an epsilon that matters here: clipped to a global norm of 0.01, the
gradients are about 1e-5 per weight.
"""

from collections.abc import Callable, Iterable, Sequence
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
        # Fused: one kernel for all of the network's many small tensors.
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


def clip_global_norm(parameters: Sequence[nn.Parameter], max_norm: float) -> Tensor:
    """Scale all gradients jointly so that their norm is at most ``max_norm``; return the old norm.

    Exactly as tf.clip_by_global_norm; PyTorch's own adds 1e-6 to the norm. A NaN stays.
    """
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = torch.nn.utils.get_total_norm(gradients)
    torch._foreach_mul_(gradients, (max_norm / norm).clamp(max=1.0))
    return norm

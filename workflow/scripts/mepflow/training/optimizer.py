r"""Adam as PiNN's networks were trained with it, and its gradient clip.

Both differ from PyTorch's by an epsilon that matters here: clipped to a global norm of 0.01, the
gradients are about 1e-5 per weight.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn


class FlatParameters:
    """All parameters of a module in one tensor, ``values``.

    They become views of it, so an update is a few operations and not some for each of the hundred
    small tensors of a network. The module must not change its device or precision afterwards.
    """

    def __init__(self, module: nn.Module) -> None:
        self._parameters = list(module.parameters())
        self.values = torch.cat([values.detach().reshape(-1) for values in self._parameters])
        sizes = [values.numel() for values in self._parameters]
        pieces = torch.split(self.values, sizes)
        for values, piece in zip(self._parameters, pieces, strict=True):
            values.data = piece.view_as(values)

    def gradient(self, loss: Tensor) -> Tensor:
        """Return the gradient of ``loss``, 0 for what it does not depend on."""
        pieces = torch.autograd.grad(loss, self._parameters, materialize_grads=True)
        return _in_one(pieces)


def _in_one(pieces: Sequence[Tensor]) -> Tensor:
    """Return all numbers in one row; no copy of what lies so, as the gradients of the loops do."""
    storage = pieces[0].untyped_storage().data_ptr()
    end = pieces[0].data_ptr()
    for piece in pieces:
        own = piece.untyped_storage().data_ptr() == storage and piece.data_ptr() == end
        if not (own and piece.is_contiguous()):
            return torch.cat([piece.reshape(-1) for piece in pieces])
        end += piece.nbytes
    return pieces[0].as_strided((sum(piece.numel() for piece in pieces),), (1,))


class KerasAdam:
    r"""Adam with epsilon outside the bias correction, as in Keras' legacy optimiser, of one tensor.

    .. math:: \Delta w = -\alpha \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t}
                         \frac{m}{\sqrt v + \epsilon}

    PyTorch's own adds its epsilon to :math:`\sqrt{v / (1 - \beta_2^t)}` instead; and its optimisers
    import PyTorch's compiler, which takes longer than many of a small network's steps.

    A step is :meth:`begin_step`, on the host, and :meth:`update`, on the device alone.
    """

    def __init__(
        self, weights: Tensor, epsilon: float, betas: tuple[float, float] = (0.9, 0.999)
    ) -> None:
        self._weights = weights
        self._epsilon = epsilon
        self._betas = betas
        self._steps_done = 0
        self._first = torch.zeros_like(weights)
        self._second = torch.zeros_like(weights)
        self._factor = weights.new_zeros(())

    def begin_step(self, learning_rate: float) -> None:
        """Count one more step, which will be made at this learning rate."""
        self._steps_done += 1
        decay_1, decay_2 = self._betas
        correction = (1.0 - decay_2**self._steps_done) ** 0.5 / (1.0 - decay_1**self._steps_done)
        self._factor.fill_(-learning_rate * correction)

    def update(self, gradient: Tensor) -> None:
        """Change the weights along their ``gradient``, by the step that was begun last."""
        decay_1, decay_2 = self._betas
        self._first.lerp_(gradient, 1.0 - decay_1)
        self._second.mul_(decay_2).addcmul_(gradient, gradient, value=1.0 - decay_2)
        scale = self._scale_of(self._second)
        self._weights.addcdiv_(self._first * self._factor, scale.sqrt().add_(self._epsilon))

    def _scale_of(self, second: Tensor) -> Tensor:
        """Return the mean square by whose root a step is divided."""
        return second

    def state_dict(self) -> dict[str, Any]:
        """Return what :meth:`load_state_dict` needs to go on, without epsilon and betas.

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


class AmsGrad(KerasAdam):
    r"""The same with the largest :math:`v` so far in the place of v, as PhysNet was trained."""

    def __init__(
        self, weights: Tensor, epsilon: float, betas: tuple[float, float] = (0.9, 0.99)
    ) -> None:
        super().__init__(weights, epsilon, betas)
        self._largest = torch.zeros_like(weights)

    def _scale_of(self, second: Tensor) -> Tensor:
        torch.maximum(self._largest, second, out=self._largest)
        return self._largest

    def state_dict(self) -> dict[str, Any]:
        """Return what :meth:`load_state_dict` needs to go on."""
        return {**super().state_dict(), "largest_second_moment": self._largest}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        super().load_state_dict(state)
        self._largest.copy_(state["largest_second_moment"])


class WeightAverage:
    r"""The moving average of weights, :math:`\bar w \leftarrow d \bar w + (1 - d) w` each step.

    d is ``decay``, at first :math:`(1 + t) / (10 + t)` after t steps, so that the random start is
    soon forgotten, as TensorFlow's average has it.
    """

    def __init__(self, weights: Tensor, decay: float) -> None:
        self._weights = weights
        self._decay = decay
        self._average = weights.clone()
        self._share = weights.new_zeros(())

    def begin_step(self, steps_done: int) -> None:
        """Tell how many steps were done before the one that comes."""
        self._share.fill_(1.0 - min(self._decay, (1 + steps_done) / (10 + steps_done)))

    def update(self) -> None:
        """Take in the weights after a step, on the device alone."""
        self._average.lerp_(self._weights, self._share)

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the weights be their average in the block."""
        latest = self._weights.clone()
        self._weights.copy_(self._average)
        try:
            yield
        finally:
            self._weights.copy_(latest)

    def state_dict(self) -> dict[str, Any]:
        """Return what :meth:`load_state_dict` needs to go on; a later step changes it."""
        return {"average": self._average}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self._average.copy_(state["average"])


def clip_norm(gradient: Tensor, max_norm: float) -> Tensor:
    """Scale ``gradient`` in place to a norm of ``max_norm`` if it is larger; return the old norm.

    With all parameters in one, this is tf.clip_by_global_norm; PyTorch's own adds 1e-6 to the norm.
    A NaN stays.
    """
    norm: Tensor = torch.linalg.vector_norm(gradient)
    gradient *= (max_norm / norm).clamp(max=1.0)
    return norm


OPTIMIZERS: Final[Mapping[str, type[KerasAdam]]] = {"adam": KerasAdam, "amsgrad": AmsGrad}
"""By the names of the key ``training.optimizer``."""

r"""The gradient of a loss on forces without second derivatives, so that fast kernels can be used.

With :math:`v = \partial L / \partial F`, what a loss on forces :math:`F = -\nabla E` changes in a
weight :math:`\theta` is a directional derivative of what the energy does:

.. math:: v \cdot \frac{\partial F}{\partial \theta}
    = -\frac{\partial}{\partial \theta} (v \cdot \nabla) E
    \approx -\frac{\partial}{\partial \theta} \frac{E(R + h v) - E(R - h v)}{2 h}

Two more passes with first derivatives alone; the error is of order h².
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
from torch import Tensor
from torch.autograd import Function

from mepflow.models.energy_model import forces_of, with_free_positions
from mepflow.models.multipole_model import Batch
from mepflow.units import BOHR_IN_ANGSTROM

LARGEST_SHIFT_ANGSTROM: Final[dict[torch.dtype, float]] = {
    torch.float32: 3e-3,
    torch.float64: 1e-3,
}
"""How far the atom with the largest part in v is moved: rounding and order h² balance here."""

Energies = Callable[[Batch], Tensor]
"""Energies (M,) in hartree of the molecules of a batch, with a gradient."""


def forces_by_differences(
    energies: Energies, free: Batch, energy: Tensor, positions: Tensor, weights: Sequence[Tensor]
) -> Tensor:
    """Return the forces (N, 3) in hartree/bohr, whose gradient of ``weights`` is as above.

    ``energy`` (M,) is what ``energies`` gives for the batch ``free``, whose differentiable
    ``positions`` (N, 3) are those of :func:`~mepflow.models.energy_model.with_free_positions`.
    """
    forces = forces_of(energy, positions, create_graph=False)
    apply: Callable[..., Tensor] = _Forces.apply
    return apply(forces, energies, free, list(weights), *weights)


class _Forces(Function):
    """The forces as they are; their gradient asks for the energies twice more."""

    @staticmethod
    def forward(
        ctx: Any, forces: Tensor, energies: Energies, batch: Batch, weights: Any, *_: Tensor
    ) -> Tensor:
        ctx.energies, ctx.batch, ctx.weights = energies, batch, weights
        return forces.clone()

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        largest = upstream.abs().max().clamp(min=torch.finfo(upstream.dtype).tiny)
        size = LARGEST_SHIFT_ANGSTROM[upstream.dtype] / largest
        with torch.enable_grad():
            ahead, behind = (
                ctx.energies(with_free_positions(ctx.batch, sign * size * upstream)[0]).sum()
                for sign in (1.0, -1.0)
            )
            slope = -BOHR_IN_ANGSTROM * (ahead - behind) / (2.0 * size)
            gradients = torch.autograd.grad(slope, ctx.weights, materialize_grads=True)
        return None, None, None, None, *gradients

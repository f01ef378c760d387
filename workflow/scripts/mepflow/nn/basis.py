r"""Radial functions of the pair distance: cut-off functions and bases, none of them trainable.

With :math:`d` the distance and :math:`r_c` the cut-off, both in ångström:

=====  ==================================================================
f1     :math:`f_c = \tfrac12 (\cos(\pi d / r_c) + 1)`
f2     :math:`f_c = (\tanh(1 - d / r_c) / \tanh 1)^3`
hip    :math:`f_c = \cos^2(\pi d / 2 r_c)`, equal to f1
=====  ==================================================================
"""

import math
from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor, nn


def _f1(x: Tensor) -> Tensor:
    return 0.5 * (torch.cos(math.pi * x) + 1.0)


def _f2(x: Tensor) -> Tensor:
    return (torch.tanh(1.0 - x) / math.tanh(1.0)) ** 3


def _hip(x: Tensor) -> Tensor:
    return torch.cos(0.5 * math.pi * x) ** 2


CUTOFF_FUNCTIONS: Final[dict[str, Callable[[Tensor], Tensor]]] = {
    "f1": _f1,
    "f2": _f2,
    "hip": _hip,
}
"""Cut-off functions of the reduced distance d / r_c, for 0 ≤ d ≤ r_c."""

BASES: Final = ("gaussian", "polynomial")


class RadialBasis(nn.Module):
    r"""Basis functions of the distance that carry the cut-off function.

    ========== ===============================================================================
    gaussian   :math:`e_b = \exp(-\gamma (d - \mu_b)^2) f_c(d)`, centres :math:`\mu_b` evenly spaced
               from 0 to :math:`r_c`, both included
    polynomial :math:`e_b = f_c(d)^b`, b = 1 … n_basis
    ========== ===============================================================================

    ``cutoff`` is in ångström, ``gamma`` in Å⁻² (Gaussians only).
    """

    def __init__(
        self, kind: str, n_basis: int, cutoff: float, cutoff_function: str, gamma: float
    ) -> None:
        super().__init__()
        self.kind = kind
        self.n_basis = n_basis
        self.cutoff = cutoff
        self.cutoff_function = CUTOFF_FUNCTIONS[cutoff_function]
        self.gamma = gamma

    def cutoff_values(self, distance: Tensor) -> Tensor:
        """Return the cut-off function f_c (P,) of ``distance`` (P,) in ångström."""
        return self.cutoff_function(distance / self.cutoff)

    def forward(self, distance: Tensor) -> Tensor:
        """Return the basis (P, n_basis) of ``distance`` (P,) in ångström."""
        fc = self.cutoff_values(distance)[:, None]
        # Made here rather than kept, so that no precision is lost when the model changes dtype.
        real, device = distance.dtype, distance.device
        if self.kind == "polynomial":
            powers = torch.arange(1, self.n_basis + 1, dtype=real, device=device)
            return torch.pow(fc, powers)
        centres = torch.linspace(0.0, self.cutoff, self.n_basis, dtype=real, device=device)
        shifted = distance[:, None] - centres
        return torch.exp(-self.gamma * shifted * shifted) * fc

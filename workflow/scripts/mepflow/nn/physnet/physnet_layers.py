r"""Layers of PhysNet. N atoms, P ordered pairs i←j, F features, K radial functions.

All activations are the shifted softplus :math:`\sigma(x) = \ln(1 + e^x) - \ln 2`. Every layer has
derivatives of any order, which a loss on forces needs.
"""

import math
from typing import Final

import torch
from torch import Tensor, nn

from mepflow.nn.graph import Graph
from mepflow.nn.physnet.physnet_settings import PhysNetSettings
from mepflow.nn.segments import segment_sum

_LN_2: Final = math.log(2.0)


def activation(x: Tensor) -> Tensor:
    """Return the shifted softplus, which is 0 at 0."""
    return nn.functional.softplus(x) - _LN_2


def smooth_cutoff(distance: Tensor, cutoff: float) -> Tensor:
    """Return f_c (P,), from 1 at 0 to 0 at ``cutoff`` and beyond.

    Value, slope and curvature are 0 at the cut-off.
    """
    x = (distance / cutoff).clamp(max=1.0)
    return 1.0 - x**3 * (10.0 - 15.0 * x + 6.0 * x * x)


def glorot_orthogonal_(weight: Tensor, generator: torch.Generator | None) -> None:
    """Fill ``weight`` with a random orthogonal matrix, scaled to Glorot's variance."""
    nn.init.orthogonal_(weight, generator=generator)
    with torch.no_grad():
        weight *= (2.0 / (sum(weight.shape) * weight.var(correction=0))).sqrt()


class RadialFunctions(nn.Module):
    r"""Trainable Gaussians of :math:`e^{-r}`.

    .. math:: g_k(r) = f_c(r) \exp(-\beta_k (e^{-r} - m_k)^2)

    r is in ångström. The centres start equally spaced from 1 to :math:`e^{-r_c}`, all widths at
    :math:`[2 (1 - e^{-r_c}) / K]^{-2}`; both are kept positive as softplus of the weights.
    """

    def __init__(self, n_basis: int, cutoff: float) -> None:
        super().__init__()
        self.cutoff = cutoff
        self.raw_centres = nn.Parameter(torch.empty(n_basis))
        self.raw_widths = nn.Parameter(torch.empty(n_basis))

    def reset_parameters(self) -> None:
        """Set centres and widths to their start."""
        n_basis, last = len(self.raw_centres), math.exp(-self.cutoff)
        centres = torch.linspace(1.0, last, n_basis, dtype=torch.float64)
        widths = torch.full_like(centres, (2.0 * (1.0 - last) / n_basis) ** -2)
        with torch.no_grad():
            for raw, values in ((self.raw_centres, centres), (self.raw_widths, widths)):
                raw.copy_(values + torch.log(-torch.expm1(-values)))

    def forward(self, distance: Tensor) -> Tensor:
        """Return the functions (P, K) of ``distance`` (P,)."""
        centres, widths = map(nn.functional.softplus, (self.raw_centres, self.raw_widths))
        shifted = torch.exp(-distance)[:, None] - centres
        return smooth_cutoff(distance, self.cutoff)[:, None] * torch.exp(-widths * shifted**2)


class Residual(nn.Module):
    """x + W₂ σ(W₁ σ(x) + b₁) + b₂."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.first = nn.Linear(features, features)
        self.second = nn.Linear(features, features)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, F) of x (N, F)."""
        change: Tensor = self.second(activation(self.first(activation(x))))
        return x + change


def residuals(number: int, features: int) -> nn.Sequential:
    """Return so many residual blocks."""
    return nn.Sequential(*(Residual(features) for _ in range(number)))


class Module(nn.Module):
    r"""One module: messages of the neighbours, then residual blocks of the atoms.

    .. math::
        v_i &= \sigma(W_I\, \sigma(x_i) + b_I)
            + \sum_j (G g(r_{ij})) \circ \sigma(W_J\, \sigma(x_j) + b_J) \\
        x_i &\leftarrow u \circ x_i + W \sigma(R(v_i)) + b

    and again residual blocks. G starts at 0: at first atoms do not see each other.
    """

    def __init__(self, settings: PhysNetSettings) -> None:
        super().__init__()
        features = settings.features
        self.of_distance = nn.Linear(settings.n_basis, features, bias=False)
        self.of_centre = nn.Linear(features, features)
        self.of_neighbour = nn.Linear(features, features)
        self.interaction = residuals(settings.interaction_residuals, features)
        self.gate = nn.Parameter(torch.empty(features))
        self.dense = nn.Linear(features, features)
        self.atomic = residuals(settings.atomic_residuals, features)

    def forward(self, x: Tensor, graph: Graph, radial: Tensor) -> Tensor:
        """Return the next x (N, F) of x (N, F) and the radial functions (P, K)."""
        active = activation(x)
        sent = activation(self.of_neighbour(active)).index_select(0, graph.pair_j)
        received = segment_sum(self.of_distance(radial) * sent, graph.pair_i, len(x))
        message = self.interaction(activation(self.of_centre(active)) + received)
        changed: Tensor = self.atomic(self.gate * x + self.dense(activation(message)))
        return changed


class Output(nn.Module):
    """Outputs (N, n_outputs) of a module: residual blocks and a layer without bias."""

    def __init__(self, settings: PhysNetSettings) -> None:
        super().__init__()
        self.residuals = residuals(settings.output_residuals, settings.features)
        self.last = nn.Linear(settings.features, len(settings.outputs), bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs (N, n_outputs) of x (N, F)."""
        outputs: Tensor = self.last(activation(self.residuals(x)))
        return outputs

"""Derivatives of a density network along positions: all at once, or two products with them.

Forces through a density x(R) that does not change need :math:`(dx/dR)^T g` with the slopes g of an
energy along x, and a training with forces, whose loss has slopes r along them, needs
:math:`(dx/dR)\\, r`. The former is a pass backwards through the density network, the latter one
forwards: second derivatives of the density network are not needed.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mepflow.densities.density_batch import DensityGraph
from mepflow.densities.density_network import DensityNetwork


@dataclass(frozen=True)
class FrozenDensity:
    """Whitened coefficients (n, K) of a molecule's atoms, and their derivatives (n · K, 3n)."""

    values: Tensor
    slopes: Tensor

    def lowest(self, count: int) -> "FrozenDensity":
        """Return the first ``count`` coefficients of every atom: those of the lowest l."""
        atoms, every = self.values.shape
        slopes = self.slopes.view(atoms, every, -1)[:, :count]
        return FrozenDensity(self.values[:, :count], slopes.reshape(atoms * count, -1))

    def to(self, like: Tensor) -> "FrozenDensity":
        """Return the same where a tensor is, in its precision."""
        return FrozenDensity(self.values.to(like), self.slopes.to(like))


def flat_density(network: DensityNetwork, graph: DensityGraph, degrees: int) -> Tensor:
    """Return whitened coefficients (n, K) up to l < ``degrees``, l after l."""
    whitened = network.whitened(graph)[:degrees]
    return torch.cat([values.flatten(1) for values in whitened], dim=1)


def frozen_density(network: DensityNetwork, graph: DensityGraph, degrees: int) -> FrozenDensity:
    """Return the coefficients of a molecule up to l < ``degrees``, and their derivatives.

    All 3n directions pass the network forwards at once.
    """

    def coefficients(positions: Tensor) -> Tensor:
        return flat_density(network, graph.at(positions), degrees)

    with torch.no_grad():
        slopes: Any = torch.func.jacfwd(coefficients)(graph.positions)
        values = coefficients(graph.positions)
    return FrozenDensity(values, slopes.reshape(values.numel(), graph.positions.numel()))


class LiveDensity:
    """Whitened coefficients ``values`` (n, K) of molecules, and products with their derivatives."""

    def __init__(self, network: DensityNetwork, graph: DensityGraph, degrees: int) -> None:
        self._network, self._graph, self._degrees = network, graph, degrees
        with torch.enable_grad():
            self._positions = graph.positions.detach().clone().requires_grad_()
            self._values = flat_density(network, graph.at(self._positions), degrees)
        self.values = self._values.detach()

    def slopes_along_positions(self, of_density: Tensor) -> Tensor:
        """Return (dx/dR)ᵀ g (n, 3) of g (n, K), which can be differentiated along g once."""
        found: Tensor = _Through.apply(of_density, self)  # type: ignore[no-untyped-call]
        return found

    def backwards(self, of_density: Tensor) -> Tensor:
        """Return (dx/dR)ᵀ g (n, 3)."""
        (found,) = torch.autograd.grad(self._values, self._positions, of_density, retain_graph=True)
        return found

    def forwards(self, moves: Tensor) -> Tensor:
        """Return (dx/dR) r (n, K) of r (n, 3)."""

        def coefficients(positions: Tensor) -> Tensor:
            return flat_density(self._network, self._graph.at(positions), self._degrees)

        with torch.no_grad():
            found: Any = torch.func.jvp(coefficients, (self._graph.positions,), (moves,))[1]
        return torch.as_tensor(found)


class _Through(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, of_density: Tensor, density: LiveDensity) -> Tensor:
        ctx.density = density
        return density.backwards(of_density)

    @staticmethod
    def backward(ctx: Any, moves: Tensor) -> tuple[Tensor, None]:
        return ctx.density.forwards(moves), None

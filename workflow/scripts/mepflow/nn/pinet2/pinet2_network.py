r"""PiNet2: an equivariant message-passing network for atomic scalars, vectors and matrices.

Follows PiNet2 of PiNN 2.0 (https://teoroo-cmc.github.io/PiNN/master/usage/pinet2), and with
``pinn_compatible`` equals it to rounding. N atoms, P ordered pairs within the cut-off, C channels.
Atoms start with :math:`p^1` = one-hot of the element and :math:`p^3 = p^5 = 0`. Block t computes
new properties from the old ones,

.. math::
    i^1, s^3, s^5 &= \text{slices of } \mathrm{II}(\mathrm{PI}(p^1_i, p^1_j, e(d_{ij}))) \\
    \tilde p^1 &= \mathrm{PP}\big(\textstyle\sum_j (i^1, s^3, s^5)\big) \\
    \tilde p^x &= W \textstyle\sum_j (p^x_j + d^x_{ij})\, s^x_{ij} \\
    g^1, g^3, g^5 &= \text{slices of } \mathrm{PP}'(\tilde p^1 \oplus
        \tilde p^3 \!\cdot \tilde p^3 \oplus \tilde p^5 \!\cdot \tilde p^5) \\
    \Delta p^1 &= g^1, \qquad \Delta p^x = \tilde p^x g^x,

each output adds its head of :math:`\Delta p^x`, and the next block starts from
:math:`p^x + \Delta p^x`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from mepflow.nn import gpu, neighbour_kernels
from mepflow.nn.basis import RadialBasis
from mepflow.nn.graph import Graph
from mepflow.nn.pinet2 import fused, native
from mepflow.nn.pinet2.blocks import Block, Heads, ResidualUpdates
from mepflow.nn.pinet2.layers import (
    AnyPairs,
    OutputHead,
    Pairs,
    ResidualUpdate,
    traceless_square,
)
from mepflow.nn.pinet2.pinet2_settings import (
    COMPONENTS,
    PROPERTY_OF_OUTPUT,
    PiNet2Settings,
)


class PiNet2(nn.Module):
    """The network: a graph → the outputs of ``settings``, each a sum over the blocks' heads.

    Kernels start Glorot-uniform and biases 0, drawn from ``generator`` or torch's global one.
    """

    def __init__(self, settings: PiNet2Settings, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.settings = settings
        self.basis = RadialBasis(
            settings.basis,
            settings.n_basis,
            settings.cutoff_angstrom,
            settings.cutoff_function,
            settings.gamma_per_angstrom2,
        )
        self.blocks = nn.ModuleList()
        self.heads = nn.ModuleList()
        self.residuals = nn.ModuleList()
        features = {"p1": len(settings.elements)}
        if settings.pinn_compatible:
            features |= dict.fromkeys(settings.properties[1:], 1)
        for t in range(settings.depth):
            self.blocks.append(Block(settings, features))
            self.heads.append(Heads({name: self._head(name) for name in settings.outputs}))
            # PiNN makes an update after the last block too, and its weights, without any use.
            used = t + 1 < settings.depth or settings.pinn_compatible
            self.residuals.append(
                ResidualUpdates(
                    {name: ResidualUpdate(n, settings.channels) for name, n in features.items()}
                    if used
                    else {}
                )
            )
            features = dict.fromkeys(settings.properties, settings.channels)
        self.reset_parameters(generator)
        # The loops have one head for each property, so energies are a pass of their own.
        parts = [[n for n in settings.outputs if n != "energy"], ["energy"]]
        self._passes = [
            (names, _plan(settings, names), self._slots_without(names))
            for names in parts
            if set(names) & set(settings.outputs)
        ]

    def _head(self, name: str) -> OutputHead:
        settings = self.settings
        bias = PROPERTY_OF_OUTPUT[name] == "p1" or settings.pinn_compatible
        return OutputHead(settings.channels, settings.layers.out, bias=bias)

    def _slots_without(self, names: Sequence[str]) -> list[tuple[dict[str, Any], str]]:
        """Return where the weights are, in PyTorch's order, without heads that are not ``names``.

        To look there takes a tenth of the time of :meth:`parameters`.
        """
        others = {
            id(weight)
            for heads in self.heads
            for name, head in cast(Heads, heads).items()
            if name not in names
            for weight in head.parameters()
        }
        return [
            (module._parameters, name)
            for module in self.modules()
            for name, weight in module._parameters.items()
            if weight is not None and id(weight) not in others
        ]

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw all kernels Glorot-uniformly from ``generator``, set all biases to 0."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight, generator=generator)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, graph: Graph) -> dict[str, Tensor]:
        """Return the outputs of the settings: p1 and energy (N,), p3 (N, 3), p5 (N, 5).

        Distances and directions are taken from the graph as they are; gradients with respect to
        positions need a graph made by :meth:`~mepflow.nn.graph.Graph.with_positions`.
        """
        basis = self.basis(graph.distance)
        directions = {"p3": graph.direction}
        if "p5" in self.settings.properties:
            directions["p5"] = traceless_square(graph.direction)
        forward = self._fused if self._is_fused(basis) else self._by_layers
        return forward(graph, basis, directions)

    def _by_layers(
        self, graph: Graph, basis: Tensor, directions: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        pairs, properties = _pairs_of(graph, basis), self.embed(graph)
        outputs: dict[str, Tensor] = {}
        for block, heads, update in zip(self.blocks, self.heads, self.residuals, strict=True):
            new = block(properties, pairs, basis, directions)
            for name, value in heads(new).items():
                outputs[name] = outputs[name] + value if name in outputs else value
            properties = update(properties, new)
        return outputs

    def _is_fused(self, basis: Tensor) -> bool:
        # The loops know the usual PI layer, of one dense layer, only.
        first = [cast(Tensor, owned[name]) for owned, name in self._passes[0][2][:1]]
        return len(self.settings.layers.pi) == 1 and native.usable(basis, *first)

    def _fused(
        self, graph: Graph, basis: Tensor, directions: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        used = [directions[name] for name in self.settings.properties[1:]]
        outputs: dict[str, Tensor] = {}
        for names, plan, slots in self._passes:
            weights = [cast(nn.Parameter, owned[name]) for owned, name in slots]
            found = fused.outputs(plan, graph, basis, used, weights)
            outputs |= zip(names, found, strict=True)
        return outputs

    def embed(self, graph: Graph) -> dict[str, Tensor]:
        """Return the first properties: one-hot p1 (N, n_elements), and p3, p5 if they are kept.

        They are zero at first, so they are left out unless ``pinn_compatible`` asks for them.
        """
        elements = torch.arange(len(self.settings.elements), device=graph.species.device)
        p1 = (graph.species[:, None] == elements).to(graph.distance.dtype)
        properties = {"p1": p1}
        if self.settings.pinn_compatible:
            for name in self.settings.properties[1:]:
                properties[name] = p1.new_zeros(len(p1), COMPONENTS[name], 1)
        return properties


def _pairs_of(graph: Graph, basis: Tensor) -> AnyPairs:
    """Return the pairs as the layers take them: the kernels have no gradient of the geometry."""
    if gpu.usable(basis) and not basis.requires_grad:
        return neighbour_kernels.Neighbours.of_pairs(graph.pair_i, graph.pair_j, len(graph.species))
    return Pairs(graph.pair_i, graph.pair_j)


def _plan(settings: PiNet2Settings, names: Sequence[str]) -> fused.Plan:
    """Return the network with these of its outputs as the fused loops take it."""
    properties = [PROPERTY_OF_OUTPUT[name] for name in names]
    layers, outputs = settings.layers, [list(COMPONENTS).index(name) for name in properties]
    n_slices = len(settings.properties)
    numbers = (
        *(len(settings.elements), settings.n_basis, n_slices, settings.depth),
        *(settings.weighted, settings.pinn_compatible, sum(1 << k for k in outputs), layers.pi[-1]),
        *(value for widths in layers[1:] for value in (len(widths), *widths)),
    )
    return fused.Plan(tuple(map(int, numbers)), tuple(outputs), n_slices)


# The names under which mepflow.nn.networks finds them.
Settings = PiNet2Settings
Network = PiNet2

"""Graph-convolution blocks of PiNet2, with the heads and residual updates that follow each.

N atoms, P ordered pairs, C channels; the formulas stand in
:mod:`mepflow.nn.pinet2.pinet2_network`.
"""

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from mepflow.nn import neighbour_kernels
from mepflow.nn.pinet2.layers import AnyPairs, EquivariantLayer, FeedForward, InvariantLayer
from mepflow.nn.pinet2.pinet2_settings import (
    COMPONENTS,
    PROPERTY_OF_OUTPUT,
    PiNet2Settings,
)
from mepflow.nn.segments import segment_sum


class Block(nn.Module):
    """One graph-convolution block: old properties of the atoms → new ones, before the residual.

    ``in_features`` maps each property that enters the block to its number of channels.
    """

    def __init__(self, settings: PiNet2Settings, in_features: Mapping[str, int]) -> None:
        super().__init__()
        layers, channels = settings.layers, settings.channels
        n_slices = len(settings.properties)
        widened = channels * n_slices
        self.n_slices, self.channels = n_slices, channels
        self.invariant = InvariantLayer(
            in_features["p1"],
            layers.pi,
            (*layers.ii[:-1], widened),
            layers.pp,
            settings.n_basis,
        )
        self.equivariant = nn.ModuleDict(
            {
                name: EquivariantLayer(
                    COMPONENTS[name],
                    in_features.get(name),
                    channels,
                    weighted=settings.weighted,
                    plain_dot=settings.pinn_compatible,
                )
                for name in settings.properties[1:]
            }
        )
        self.pp = FeedForward(
            layers.pp[-1] + channels * (n_slices - 1), (*layers.pp[:-1], widened), bias=True
        )

    def forward(
        self,
        old: Mapping[str, Tensor],
        pairs: AnyPairs,
        basis: Tensor,
        directions: Mapping[str, Tensor],
    ) -> dict[str, Tensor]:
        """Return the next p1 (N, C), and p3 (N, 3, C) and p5 (N, 5, C) if the network has them.

        ``basis`` is (P, n_basis), ``directions`` the d^x (P, x) of the equivariant properties.
        """
        total, *carried = self._sums(old, pairs, basis, directions)
        scalars, equivariant = [self.invariant.pp(total)], []
        for layer, summed in zip(self.equivariant.values(), carried, strict=True):
            px, dotted = layer(summed)
            scalars.append(dotted)
            equivariant.append(px)
        new_p1, *gates = self.pp(torch.cat(scalars, dim=1)).chunk(self.n_slices, dim=1)
        new = {"p1": new_p1}
        for name, px, gate in zip(self.equivariant, equivariant, gates, strict=True):
            new[name] = px * gate[:, None, :]
        return new

    def _sums(
        self,
        old: Mapping[str, Tensor],
        pairs: AnyPairs,
        basis: Tensor,
        directions: Mapping[str, Tensor],
    ) -> tuple[Tensor, ...]:
        """IP layers: return the sums over neighbours of i1 (N, W) and of each ix (N, x, C)."""
        i1 = self.invariant(old["p1"], pairs, basis)
        if isinstance(pairs, neighbour_kernels.Neighbours):
            return self._sums_on_gpu(i1, old, pairs, directions)
        scales = i1.chunk(self.n_slices, dim=1)[1:]
        interactions = [
            layer.interaction(old.get(name), directions[name], scale, pairs)
            for (name, layer), scale in zip(self._equivariant(), scales, strict=True)
        ]
        n_atoms = old["p1"].shape[0]
        return tuple(segment_sum(values, pairs.i, n_atoms) for values in (i1, *interactions))

    def _sums_on_gpu(
        self,
        i1: Tensor,
        old: Mapping[str, Tensor],
        pairs: neighbour_kernels.Neighbours,
        directions: Mapping[str, Tensor],
    ) -> tuple[Tensor, ...]:
        of_atoms = [
            layer.interaction.of_atoms(old.get(name)) for name, layer in self._equivariant()
        ]
        used = [directions[name] for name in self.equivariant]
        # PiNN's first properties are zeros of a single channel.
        of_j = [v if v is None else v.expand(-1, -1, self.channels) for _, v in of_atoms]
        total, *sums = neighbour_kernels.neighbour_sums(i1, of_j, used, pairs)
        scales = total.chunk(self.n_slices, dim=1)[1:]
        # What atom i itself adds is the same for all of its pairs.
        return total, *(
            summed if of_i is None else summed + of_i * scale[:, None, :]
            for summed, (of_i, _), scale in zip(sums, of_atoms, scales, strict=True)
        )

    def _equivariant(self) -> list[tuple[str, EquivariantLayer]]:
        return cast("list[tuple[str, EquivariantLayer]]", list(self.equivariant.items()))


class Heads(nn.ModuleDict):
    """The heads of one block, by output."""

    def forward(self, properties: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return this block's share of each output, from the block's new properties."""
        return {name: head(properties[PROPERTY_OF_OUTPUT[name]]) for name, head in self.items()}


class ResidualUpdates(nn.ModuleDict):
    """The residual updates after one block, by property; what has none is replaced."""

    def forward(self, old: Mapping[str, Tensor], new: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the next block's properties."""
        return {
            name: self[name](old[name], value) if name in self else value
            for name, value in new.items()
        }

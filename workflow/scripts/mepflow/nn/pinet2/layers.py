r"""Layers of PiNet2. N atoms, P ordered pairs i←j, C channels, B radial basis functions.

Properties :math:`p^x` live on atoms and interactions :math:`i^x` on pairs, for x = 1 (scalars),
3 (vectors) and 5 (traceless symmetric matrices). Their shapes are (N, C) and (P, C) for x = 1,
(N, x, C) and (P, x, C) else. The five components are xx, yy, xy, xz, yz.
"""

from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Final, NamedTuple, cast

import torch
from torch import Tensor, nn

from mepflow.nn import gpu, neighbour_kernels, stack_kernels

# Σ_ab T_ab S_ab in terms of the five stored components, with T_zz = −T_xx − T_yy.
_FROBENIUS: Final = (
    (2.0, 1.0, 0.0, 0.0, 0.0),
    (1.0, 2.0, 0.0, 0.0, 0.0),
    (0.0, 0.0, 2.0, 0.0, 0.0),
    (0.0, 0.0, 0.0, 2.0, 0.0),
    (0.0, 0.0, 0.0, 0.0, 2.0),
)


class Pairs(NamedTuple):
    """The pairs of a graph: atoms i and j (P,)."""

    i: Tensor
    j: Tensor


AnyPairs = Pairs | neighbour_kernels.Neighbours
"""With neighbours, the layers use the kernels for GPUs."""


def traceless_square(direction: Tensor) -> Tensor:
    r"""Return the five components (P, 5) of :math:`u u^T - \tfrac13` of unit vectors u (P, 3)."""
    x, y, z = direction.unbind(-1)
    xx, yy, zz = x * x, y * y, z * z
    return torch.stack(
        [(2.0 * xx - yy - zz) / 3.0, (2.0 * yy - xx - zz) / 3.0, x * y, x * z, y * z], dim=-1
    )


def _two_linear(features: int) -> tuple[nn.Module, nn.Module]:
    return nn.Linear(features, features, bias=False), nn.Linear(features, features, bias=False)


class FeedForward(nn.Module):
    """Dense layers of the widths ``nodes`` on the last axis, each followed by tanh if ``tanh``."""

    def __init__(
        self, in_features: int, nodes: Sequence[int], *, bias: bool, tanh: bool = True
    ) -> None:
        super().__init__()
        widths = (in_features, *nodes)
        self.dense = nn.ModuleList(nn.Linear(m, n, bias=bias) for m, n in pairwise(widths))
        self.tanh = tanh

    def forward(self, x: Tensor) -> Tensor:
        """Return (…, nodes[-1]) of x (…, in_features)."""
        if self.tanh and gpu.usable(x):
            return self._on_gpu(x)
        for layer in self.dense:
            x = torch.tanh(layer(x)) if self.tanh else layer(x)
        return x

    def _on_gpu(self, x: Tensor) -> Tensor:
        """Let the kernels take the narrow layers; rank 5 has wide ones before and after them."""
        layers = cast("list[nn.Linear]", list(self.dense))
        for narrow, group in groupby(layers, lambda d: max(d.weight.shape) <= gpu.WIDEST):
            stack = list(group)
            if narrow:
                parameters = [d.weight for d in stack], [d.bias for d in stack]
                x = stack_kernels.dense_stack(x, *parameters)
            else:
                for layer in stack:
                    x = torch.tanh(layer(x))
        return x


class PairDense(nn.Module):
    r"""Dense layer on the scalars of both atoms of a pair, computed per atom and gathered.

    .. math:: W (p_i \oplus p_j) + w = (W_1 p_i + w) + W_2 p_j

    It is linear, so this takes N matrix rows rather than P, of which there are ten times as many.
    """

    def __init__(self, in_features: int, features: int) -> None:
        super().__init__()
        self.linear = nn.Linear(2 * in_features, features)

    def of_atoms(self, p1: Tensor) -> tuple[Tensor, Tensor]:
        """Return the shares (N, features) of an atom of p1 (N, in_features) as i and as j."""
        of_i, of_j = self.linear.weight.chunk(2, dim=1)
        return nn.functional.linear(p1, of_i, self.linear.bias), nn.functional.linear(p1, of_j)

    def forward(self, p1: Tensor, pairs: AnyPairs) -> Tensor:
        """Return (P, features) of p1 (N, in_features) and the pairs (P,)."""
        centre, neighbour = self.of_atoms(p1)
        return centre.index_select(0, pairs.i) + neighbour.index_select(0, pairs.j)


class PairInteraction(nn.Module):
    r"""PI layer: scalars of two atoms and their distance → interaction (P, C).

    .. math:: i_{ijc} = \sum_b \tanh(x_{ijbc})\, e_{ijb}, \qquad x = \mathrm{FF}(p_i \oplus p_j)

    with tanh between the dense layers of FF, too. Its output, the largest array of the network, has
    B·C features, the channel as the fastest index, so that the sum over b runs along rows.
    """

    def __init__(self, in_features: int, nodes: Sequence[int], n_basis: int) -> None:
        super().__init__()
        self.shape = (n_basis, nodes[-1])
        widths = (*nodes[:-1], nodes[-1] * n_basis)
        self.dense = nn.ModuleList([PairDense(in_features, widths[0])])
        self.dense.extend(nn.Linear(m, n) for m, n in pairwise(widths))

    def of_atoms(self, p1: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the atoms i and j add to the first layer; see :class:`PairDense`."""
        return cast(PairDense, self.dense[0]).of_atoms(p1)

    def forward(self, p1: Tensor, pairs: AnyPairs, basis: Tensor) -> Tensor:
        """Return i (P, C) of p1 (N, C'), the pairs (P,) and the basis (P, B)."""
        if isinstance(pairs, neighbour_kernels.Neighbours) and len(self.dense) == 1:
            return neighbour_kernels.pair_interaction(*self.of_atoms(p1), basis, pairs)
        first, *rest = self.dense
        x: Tensor = first(p1, pairs)
        for layer in rest:
            x = layer(torch.tanh(x))
        return (torch.tanh(x).view(-1, *self.shape) * basis[:, :, None]).sum(dim=1)


class InvariantLayer(nn.Module):
    r"""Scalar path of a block: PI and II per pair and, after the sum over neighbours, PP per atom.

    .. math:: i^1_{ij} = \mathrm{II}(\mathrm{PI}(p^1_i, p^1_j, e_{ij})), \qquad
              p^1_i = \mathrm{PP}\big(\textstyle\sum_j i^1_{ij}\big)
    """

    def __init__(
        self,
        in_features: int,
        pi_nodes: Sequence[int],
        ii_nodes: Sequence[int],
        pp_nodes: Sequence[int],
        n_basis: int,
    ) -> None:
        super().__init__()
        self.pi = PairInteraction(in_features, pi_nodes, n_basis)
        self.ii = FeedForward(pi_nodes[-1], ii_nodes, bias=False)
        self.pp = FeedForward(ii_nodes[-1], pp_nodes, bias=False)

    def forward(self, p1: Tensor, pairs: AnyPairs, basis: Tensor) -> Tensor:
        """Return i1 (P, ii_nodes[-1]); the caller sums it and applies :attr:`pp`."""
        i1: Tensor = self.ii(self.pi(p1, pairs, basis))
        return i1


class EquivariantInteraction(nn.Module):
    r"""PIX layer with its scaling: neighbours' p^x and the direction, scaled by scalars.

    .. math:: i^x_{ij} = (X_{ij} + d^x_{ij})\, s_{ij}, \qquad
              X_{ij} = p^x_j \text{ or, weighted, } W_i p^x_i + W_j p^x_j

    ``in_features`` is None where there is no p^x yet.
    """

    def __init__(self, in_features: int | None, *, weighted: bool) -> None:
        super().__init__()
        self.of_i, self.of_j = (
            (nn.Identity(), nn.Identity())
            if in_features is None or not weighted
            else _two_linear(in_features)
        )
        self.weighted = weighted

    def of_atoms(self, px: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
        """Return what px (N, x, C') of atoms i and j adds to their pairs, None for nothing."""
        if px is None:
            return None, None
        return (self.of_i(px) if self.weighted else None), self.of_j(px)

    def forward(
        self, px: Tensor | None, direction: Tensor, scale: Tensor, pairs: AnyPairs
    ) -> Tensor:
        """Return ix (P, x, C) of px (N, x, C'), if any, d^x (P, x) and s (P, C)."""
        carried = direction[:, :, None]
        of_i, of_j = self.of_atoms(px)
        if of_j is not None:
            carried = carried + of_j.index_select(0, pairs.j)
        if of_i is not None:
            carried = carried + of_i.index_select(0, pairs.i)
        return carried * scale[:, None, :]


class DotProduct(nn.Module):
    r"""Dot layer: scalar product of p^x with itself, or of two linear maps of it if weighted.

    Vectors have :math:`\sum_a p_a p_a`. The five components of a matrix have the Frobenius product
    :math:`\sum_{ab} T_{ab} S_{ab}`, unless ``plain``: a plain sum of squares, which is **not**
    invariant under rotation.
    """

    metric: Tensor | None

    def __init__(self, rank: int, features: int, *, weighted: bool, plain: bool) -> None:
        super().__init__()
        metric = None if rank == 3 or plain else torch.tensor(_FROBENIUS)
        self.register_buffer("metric", metric, persistent=False)
        self.left, self.right = (
            _two_linear(features) if weighted else (nn.Identity(), nn.Identity())
        )

    def forward(self, px: Tensor) -> Tensor:
        """Return the scalars (N, C) of px (N, x, C)."""
        left: Tensor = self.left(px)
        right: Tensor = self.right(px)
        if self.metric is not None:
            right = self.metric @ right
        return (left * right).sum(dim=1)


class EquivariantLayer(nn.Module):
    r"""Vector or matrix path of a block: PIX per pair and, after the sum, PP and dot per atom.

    .. math:: p^x_i = W \textstyle\sum_j i^x_{ij}

    Its ``rank`` x is 3 or 5. The dense layer has no bias and no activation: it mixes channels and
    so keeps the equivariance.
    """

    def __init__(
        self, rank: int, in_features: int | None, features: int, *, weighted: bool, plain_dot: bool
    ) -> None:
        super().__init__()
        self.interaction = EquivariantInteraction(in_features, weighted=weighted)
        self.pp = nn.Linear(features, features, bias=False)
        self.dot = DotProduct(rank, features, weighted=weighted, plain=plain_dot)

    def forward(self, summed: Tensor) -> tuple[Tensor, Tensor]:
        """Return px (N, x, C) and its dot product (N, C) of the sums (N, x, C) of ix."""
        px = self.pp(summed)
        return px, self.dot(px)


class ResidualUpdate(nn.Module):
    r"""Residual: :math:`p + \Delta p`, with a bias-free dense layer on p where widths differ."""

    def __init__(self, in_features: int, features: int) -> None:
        super().__init__()
        self.transform: nn.Module = (
            nn.Identity()
            if in_features == features
            else nn.Linear(in_features, features, bias=False)
        )

    def forward(self, old: Tensor, new: Tensor) -> Tensor:
        """Return the sum (…, C) of old (…, C') and new (…, C)."""
        transformed: Tensor = self.transform(old)
        return transformed + new


class OutputHead(nn.Module):
    """Output of one block: linear dense layers ``nodes`` and one bias-free channel.

    Without activation the layers are one linear map; they stay apart because that changes how they
    learn. A bias is allowed for scalars only: added to the components of a vector it would single
    out a direction of space.
    """

    def __init__(self, in_features: int, nodes: Sequence[int], *, bias: bool) -> None:
        super().__init__()
        self.hidden = FeedForward(in_features, nodes, bias=bias, tanh=False)
        self.out = nn.Linear(nodes[-1], 1, bias=False)

    def forward(self, px: Tensor) -> Tensor:
        """Return the output (N,) or (N, x) of px (N, C) or (N, x, C)."""
        output: Tensor = self.out(self.hidden(px))
        return output.squeeze(-1)

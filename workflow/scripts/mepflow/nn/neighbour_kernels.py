r"""The network's loops over pairs on a GPU, with their gradients; see :mod:`mepflow.nn.gpu`.

A sum is taken by the one program that owns its result, over sorted pairs or their reverse. The tanh
of the pair interaction, B·C numbers a pair, are never written and computed anew where the gradient
needs them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import torch
from torch import Tensor
from torch.autograd import Function

from mepflow.nn import gpu
from mepflow.nn.first_derivatives import first_derivatives_only

# Rows of a tile; chosen without a GPU, from what compiles without spilled registers.
_PAIRS_AT_ONCE: Final = 32
_NEIGHBOURS_AT_ONCE: Final = 16


@dataclass(frozen=True)
class Neighbours:
    """The pairs of a graph, ready for sums over the neighbours of each atom.

    ============== ======= ==============================================
    i, j           (P,)    atoms of the pairs, sorted by i, then j
    first          (N + 1) where the pairs of each atom i begin
    reverse        (P,)    index of the pair (j, i)
    ============== ======= ==============================================
    """

    i: Tensor
    j: Tensor
    first: Tensor
    reverse: Tensor

    @classmethod
    def of_pairs(cls, i: Tensor, j: Tensor, n_atoms: int) -> Self:
        """Return the neighbours of sorted pairs that hold both orders of each."""
        reverse = torch.searchsorted(i * n_atoms + j, j * n_atoms + i)
        return cls(i, j, starts(i, n_atoms), reverse)

    @property
    def n_atoms(self) -> int:
        """The number of atoms."""
        return len(self.first) - 1


def starts(index: Tensor, n_segments: int) -> Tensor:
    """Return where each segment of a non-decreasing ``index`` begins, and the end (n + 1,)."""
    return torch.searchsorted(index, torch.arange(n_segments + 1, device=index.device))


def segment_sum(values: Tensor, index: Tensor, first: Tensor) -> Tensor:
    """Return the sums (n, …) of the rows of ``values`` (P, …) of each segment.

    ``index`` (P,) is the non-decreasing segment of each row, ``first`` its :func:`starts`.
    """
    return gpu.apply(_SegmentSum, values, index, first)


def spread(values: Tensor, index: Tensor, first: Tensor) -> Tensor:
    """Return the row of ``values`` (n, …) of each entry of ``index``, as in :func:`segment_sum`."""
    return gpu.apply(_Spread, values, index, first)


def pair_interaction(centre: Tensor, neighbour: Tensor, basis: Tensor, pairs: Neighbours) -> Tensor:
    r"""Return :math:`\sum_b \tanh(c_{ib} + n_{jb})\, e_{ijb}` (P, C) of the pairs.

    ``centre`` and ``neighbour`` (N, B·C), the channel as the fastest index, are the terms of the
    atoms i and j, ``basis`` (P, B) has no gradient.
    """
    return gpu.apply(_PairInteraction, centre, neighbour, basis, pairs)


def neighbour_sums(
    i1: Tensor,
    carried: Sequence[Tensor | None],
    directions: Sequence[Tensor],
    pairs: Neighbours,
) -> tuple[Tensor, ...]:
    r"""Return :math:`\sum_j i^1_{ij}` (N, S·C) and each :math:`\sum_j (p^x_j + d^x_{ij}) s^x_{ij}`.

    The latter are (N, x, C). Of ``i1`` (P, S·C) slice 0 is for scalars, the next ones are the
    scales s of the ``directions`` d (P, x), which have no gradient; ``carried`` are the properties
    (N, x, C), None where there are none yet.
    """
    apply: Callable[..., tuple[Tensor, ...]] = _NeighbourSums.apply
    return apply(i1, pairs, tuple(directions), *carried)


def _sum_of_segments(values: Tensor, first: Tensor) -> Tensor:
    width = values.shape[1:].numel()  # of the shape: there may be no row
    total = values.new_empty((len(first) - 1, *values.shape[1:]), dtype=torch.float32)
    constants = {"WIDTH": width, "BLOCK": gpu.block_size(width), "ROWS": _NEIGHBOURS_AT_ONCE}
    gpu.launch("segment_sum", (len(total),), values.contiguous(), first, total, **constants)
    return total


class _SegmentSum(Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, index: Tensor, first: Tensor) -> Tensor:
        ctx.index = index
        return _sum_of_segments(values, first)

    @staticmethod
    @first_derivatives_only
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None]:
        return upstream.index_select(0, ctx.index), None, None


class _Spread(Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, index: Tensor, first: Tensor) -> Tensor:
        ctx.first = first
        return values.index_select(0, index)

    @staticmethod
    @first_derivatives_only
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None]:
        return _sum_of_segments(upstream, ctx.first), None, None


class _PairInteraction(Function):
    @staticmethod
    def forward(
        ctx: Any, centre: Tensor, neighbour: Tensor, basis: Tensor, pairs: Neighbours
    ) -> Tensor:
        centre, neighbour, basis = (v.contiguous() for v in (centre, neighbour, basis))
        n_pairs, n_basis = basis.shape
        width = centre.shape[1] // n_basis
        out = basis.new_empty((n_pairs, width), dtype=torch.float32)
        gpu.launch(
            "pair_interaction",
            (gpu.tiles(n_pairs, _PAIRS_AT_ONCE),),
            *(centre, neighbour, basis, pairs.i, pairs.j, out, n_pairs),
            **{
                "BASIS": n_basis,
                "WIDTH": width,
                "BLOCK": gpu.block_size(width),
                "ROWS": _PAIRS_AT_ONCE,
            },
        )
        ctx.save_for_backward(centre, neighbour, basis)
        ctx.pairs = pairs
        return out

    @staticmethod
    @first_derivatives_only
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, Tensor, None, None]:
        centre, neighbour, basis = ctx.saved_tensors
        pairs: Neighbours = ctx.pairs
        n_basis, width = basis.shape[1], upstream.shape[1]
        d_centre, d_neighbour = torch.empty_like(centre), torch.empty_like(neighbour)
        gpu.launch(
            "pair_interaction_gradient",
            (pairs.n_atoms, n_basis),
            *(centre, neighbour, basis, pairs.j, pairs.first, pairs.reverse),
            *(upstream.contiguous(), d_centre, d_neighbour),
            **{"BASIS": n_basis, "WIDTH": width, "BLOCK": gpu.block_size(width)},
            ROWS=_NEIGHBOURS_AT_ONCE,
        )
        return d_centre, d_neighbour, None, None


class _NeighbourSums(Function):
    @staticmethod
    def forward(
        ctx: Any,
        i1: Tensor,
        pairs: Neighbours,
        directions: tuple[Tensor, ...],
        *carried: Tensor | None,
    ) -> tuple[Tensor, ...]:
        i1 = i1.contiguous()
        channels = i1.shape[1] // (1 + len(directions))
        carried = tuple(values if values is None else values.contiguous() for values in carried)
        ctx.save_for_backward(i1)
        ctx.pairs, ctx.channels = pairs, channels
        ctx.slices = [
            (slice_ * channels, values, direction.contiguous())
            for slice_, (values, direction) in enumerate(
                zip(carried, directions, strict=True), start=1
            )
        ]
        sums = [
            _scaled_sum(i1, offset, values, direction, None, pairs, (direction.shape[1], channels))
            for offset, values, direction in ctx.slices
        ]
        return _sum_of_segments(i1, pairs.first), *sums

    @staticmethod
    @first_derivatives_only
    def backward(ctx: Any, of_sum: Tensor, *of_scaled: Tensor) -> tuple[Tensor | None, ...]:
        (i1,) = ctx.saved_tensors
        pairs: Neighbours = ctx.pairs
        d_i1 = torch.empty_like(i1)
        of_sum = of_sum.contiguous()
        upstream = [values.contiguous() for values in of_scaled]
        slices = [(0, None, None), *ctx.slices]
        for (offset, values, direction), of_carried in zip(slices, [None, *upstream], strict=True):
            gpu.launch(
                "scale_gradient",
                (gpu.tiles(len(i1), _PAIRS_AT_ONCE),),
                *(of_sum, of_carried, values, direction, pairs.i, pairs.j, d_i1, len(i1), offset),
                COMPONENTS=0 if direction is None else direction.shape[1],
                **{"CHANNELS": ctx.channels, "BLOCK": gpu.block_size(ctx.channels)},
                **{"STRIDE": i1.shape[1], "ROWS": _PAIRS_AT_ONCE},
            )
        d_carried = [
            None
            if values is None
            else _scaled_sum(i1, offset, slope, None, pairs.reverse, pairs, values.shape[1:])
            for (offset, values, _), slope in zip(ctx.slices, upstream, strict=True)
        ]
        return d_i1, None, None, *d_carried


def _scaled_sum(
    scales: Tensor,
    offset: int,
    carried: Tensor | None,
    direction: Tensor | None,
    pair: Tensor | None,
    pairs: Neighbours,
    shape: tuple[int, int],
) -> Tensor:
    """Return Σ (carried + direction) scale (N, x, C), with x and C the ``shape``."""
    components, channels = shape
    total = scales.new_empty((pairs.n_atoms, components, channels), dtype=torch.float32)
    gpu.launch(
        "scaled_sum",
        (pairs.n_atoms, components),
        *(carried, direction, scales, pairs.j, pair, pairs.first, total, offset),
        **{"COMPONENTS": components, "CHANNELS": channels, "BLOCK": gpu.block_size(channels)},
        **{"STRIDE": scales.shape[1], "ROWS": _NEIGHBOURS_AT_ONCE},
    )
    return total

r"""The network's loops over pairs and atoms on a GPU, with their gradients.

They equal the plain layers of :mod:`mepflow.nn.pinet2.layers` to rounding. What passes through the
memory of the GPU is what leaves a stack of layers and what its gradient needs; the tanh of the pair
interaction, B·C numbers a pair, are never written and computed anew where the gradient needs them.
Nothing is added atomically, so results are the same in every run. The kernels need Triton, which
comes with PyTorch for GPUs; without it the plain layers do the same.

Products of float32 matrices follow PyTorch's ``set_float32_matmul_precision``: *highest* keeps
float32's accuracy, as three products of TF32 numbers, *high* and *medium* are one; under
``torch.autocast`` they are in bfloat16. Sums, tanh and everything between products is float32.
"""

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any, Final, Self

import torch
from torch import Tensor
from torch.autograd import Function

from mepflow.nn.first_derivatives import first_derivatives_only

logger = logging.getLogger(__name__)

WIDEST: Final = 128
"""The widest layer whose weights fit into the fast memory of one multiprocessor as a whole."""
_LAYERS_AT_ONCE: Final = 4  # what the kernels of stacks are written for
# Rows of a tile; chosen without a GPU, from what compiles without spilled registers.
_PAIRS_AT_ONCE: Final = 32
_NEIGHBOURS_AT_ONCE: Final = 16
_ROWS_AT_ONCE: Final = 64  # the fewest rows for which Hopper multiplies with four warps together
_FEWEST_ROWS: Final = 16  # the fewest that a product takes
_PROGRAMS_WANTED: Final = 256  # some two for each multiprocessor of a large GPU
_devices: tuple[str, ...] = ("cuda",)


@contextlib.contextmanager
def only_on(*devices: str) -> Iterator[None]:
    """Use the kernels in the block for tensors on these kinds of devices only, or on none.

    Triton's interpreter takes tensors on the CPU, too.
    """
    global _devices
    before, _devices = _devices, devices
    try:
        yield
    finally:
        _devices = before


def usable(*tensors: Tensor) -> bool:
    """Whether the kernels can take these tensors: on a GPU, in float32 or, autocast, bfloat16."""
    return (
        all(values.device.type in _devices for values in tensors)
        and all(values.dtype in (torch.float32, torch.bfloat16) for values in tensors)
        and not torch.compiler.is_compiling()
        and _kernels() is not None
    )


@lru_cache(maxsize=1)
def _kernels() -> ModuleType | None:
    try:
        from mepflow.nn import gpu_kernels
    except ImportError as error:
        logger.info("the network runs without its kernels for GPUs, slower: %s", error)
        return None
    return gpu_kernels


def _launch(name: str, grid: tuple[int, ...], *arguments: Any, **constants: Any) -> None:
    if all(grid):
        getattr(_kernels(), name)[grid](*arguments, **constants)


def _block(width: int) -> int:
    return max(16, 1 << (width - 1).bit_length())


def _count(size: int, at_once: int) -> int:
    return -(-size // at_once)


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
    return _apply(_SegmentSum, values, index, first)


def spread(values: Tensor, index: Tensor, first: Tensor) -> Tensor:
    """Return the row of ``values`` (n, …) of each entry of ``index``, as in :func:`segment_sum`."""
    return _apply(_Spread, values, index, first)


def pair_interaction(centre: Tensor, neighbour: Tensor, basis: Tensor, pairs: Neighbours) -> Tensor:
    r"""Return :math:`\sum_b \tanh(c_{ib} + n_{jb})\, e_{ijb}` (P, C) of the pairs.

    ``centre`` and ``neighbour`` (N, B·C), the channel as the fastest index, are the terms of the
    atoms i and j, ``basis`` (P, B) has no gradient.
    """
    return _apply(_PairInteraction, centre, neighbour, basis, pairs)


def dense_stack(x: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor | None]) -> Tensor:
    """Return the dense layers of x (R, n), each followed by tanh; weights are (out, in)."""
    for start in range(0, len(weights), _LAYERS_AT_ONCE):
        end = start + _LAYERS_AT_ONCE
        x = _apply(_DenseStack, _precision(), x, *weights[start:end], *biases[start:end])
    return x


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


def _apply(function: type[Function], *arguments: Any) -> Tensor:
    apply: Callable[..., Tensor] = function.apply
    return apply(*arguments)


def _precision() -> str:
    if torch.is_autocast_enabled("cuda"):
        return "bf16"
    return "tf32x3" if torch.get_float32_matmul_precision() == "highest" else "tf32"


def _sum_of_segments(values: Tensor, first: Tensor) -> Tensor:
    width = values.shape[1:].numel()  # of the shape: there may be no row
    total = values.new_empty((len(first) - 1, *values.shape[1:]), dtype=torch.float32)
    constants = {"WIDTH": width, "BLOCK": _block(width), "ROWS": _NEIGHBOURS_AT_ONCE}
    _launch("segment_sum", (len(total),), values.contiguous(), first, total, **constants)
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
        _launch(
            "pair_interaction",
            (_count(n_pairs, _PAIRS_AT_ONCE),),
            *(centre, neighbour, basis, pairs.i, pairs.j, out, n_pairs),
            **{"BASIS": n_basis, "WIDTH": width, "BLOCK": _block(width), "ROWS": _PAIRS_AT_ONCE},
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
        _launch(
            "pair_interaction_gradient",
            (pairs.n_atoms, n_basis),
            *(centre, neighbour, basis, pairs.j, pairs.first, pairs.reverse),
            *(upstream.contiguous(), d_centre, d_neighbour),
            **{"BASIS": n_basis, "WIDTH": width, "BLOCK": _block(width)},
            ROWS=_NEIGHBOURS_AT_ONCE,
        )
        return d_centre, d_neighbour, None, None


class _DenseStack(Function):
    @staticmethod
    def forward(ctx: Any, precision: str, x: Tensor, *parameters: Tensor | None) -> Tensor:
        n_layers = len(parameters) // 2
        weights = [w.contiguous() for w in parameters[:n_layers] if w is not None]
        biases = parameters[n_layers:]
        x = x.contiguous()
        outputs = [x.new_empty((len(x), len(w)), dtype=torch.float32) for w in weights]
        ctx.constants = _stack_constants(x, weights, precision)
        _launch(
            "dense_stack",
            (_count(len(x), ctx.constants["ROWS"]),),
            *(x, *_layers(weights, biases, outputs), len(x)),
            **ctx.constants,
        )
        ctx.has_bias = [bias is not None for bias in biases]
        ctx.save_for_backward(x, *weights, *outputs)
        return outputs[-1]

    @staticmethod
    @first_derivatives_only
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        x, *others = ctx.saved_tensors
        n_layers = len(others) // 2
        weights, outputs = others[:n_layers], others[n_layers:]
        entered = [torch.empty_like(values) for values in outputs]
        d_x = torch.empty_like(x)
        _launch(
            "dense_stack_gradient",
            (_count(len(x), ctx.constants["ROWS"]),),
            upstream.contiguous(),
            *_layers(weights, outputs, entered),
            *(d_x, len(x)),
            **ctx.constants,
        )
        inputs = [x, *outputs[:-1]]
        of_weights = [dz.mT @ value.to(dz.dtype) for dz, value in zip(entered, inputs, strict=True)]
        of_biases = [
            dz.sum(0) if there else None for dz, there in zip(entered, ctx.has_bias, strict=True)
        ]
        return None, d_x, *of_weights, *of_biases


def _layers(*columns: Sequence[Tensor | None]) -> list[Tensor | None]:
    """Return the arguments layer by layer, and None for those of layers that are not there."""
    flat = [value for layer in zip(*columns, strict=True) for value in layer]
    return [*flat, *[None] * (_LAYERS_AT_ONCE * len(columns) - len(flat))]


def _stack_constants(x: Tensor, weights: Sequence[Tensor], precision: str) -> dict[str, Any]:
    widths = [x.shape[1], *map(len, weights)]
    widths += [1] * (_LAYERS_AT_ONCE + 1 - len(widths))
    rows = _ROWS_AT_ONCE
    while rows > _FEWEST_ROWS and len(x) < rows * _PROGRAMS_WANTED:
        rows //= 2
    return {
        "LAYERS": len(weights),
        "ROWS": rows,
        "PRECISION": precision,
        **{f"N{k}": width for k, width in enumerate(widths)},
        **{f"BLOCK{k}": _block(width) for k, width in enumerate(widths)},
    }


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
            _launch(
                "scale_gradient",
                (_count(len(i1), _PAIRS_AT_ONCE),),
                *(of_sum, of_carried, values, direction, pairs.i, pairs.j, d_i1, len(i1), offset),
                COMPONENTS=0 if direction is None else direction.shape[1],
                **{"CHANNELS": ctx.channels, "BLOCK": _block(ctx.channels)},
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
    _launch(
        "scaled_sum",
        (pairs.n_atoms, components),
        *(carried, direction, scales, pairs.j, pair, pairs.first, total, offset),
        **{"COMPONENTS": components, "CHANNELS": channels, "BLOCK": _block(channels)},
        **{"STRIDE": scales.shape[1], "ROWS": _NEIGHBOURS_AT_ONCE},
    )
    return total

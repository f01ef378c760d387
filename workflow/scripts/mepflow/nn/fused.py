r"""Differentiable operations on pairs and dense stacks that never write what they need only once.

They equal the plain operations of :mod:`mepflow.nn.layers` to rounding, and their gradients too;
second derivatives there are none. Callers ask :func:`mepflow.nn.native.usable` first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from mepflow.nn import native
from mepflow.nn.graph import Graph, IntArray

CHUNK_PAIRS: Final = 2048
"""Pairs that go through all layers together: few enough for the cache, enough to be worth it."""


class Chunk(NamedTuple):
    """A range of whole molecules, and the ranges of their atoms and pairs."""

    molecules: tuple[int, int]
    atoms: tuple[int, int]
    pairs: slice

    @property
    def n_pairs(self) -> int:
        """Number of pairs."""
        return int(self.pairs.stop - self.pairs.start)


@dataclass(frozen=True)
class PairRuns:
    """The pairs of a graph by atom and molecule.

    ``neighbour`` (P,) is the atom j of each pair, ``pair_start`` (N + 1,) the first pair of each
    atom i and ``atom_start`` (M + 1,) the first atom of each molecule. The ``chunks`` are all
    molecules in order.
    """

    neighbour: Tensor
    pair_start: Tensor
    atom_start: Tensor
    chunks: list[Chunk]

    @classmethod
    def of(cls, graph: Graph) -> Self:
        """Return the runs of a graph."""
        pair_start = _starts(graph.pair_i, len(graph.species))
        atom_start = _starts(graph.molecule, graph.n_molecules)
        chunks = _chunks(atom_start.numpy(), pair_start[atom_start].numpy())
        return cls(graph.pair_j.contiguous(), pair_start, atom_start, chunks)

    @property
    def n_atoms(self) -> int:
        """N."""
        return len(self.pair_start) - 1

    @property
    def largest_chunk(self) -> int:
        """Largest number of pairs of a chunk."""
        return max((chunk.n_pairs for chunk in self.chunks), default=0)


def _starts(index: Tensor, n: int) -> Tensor:
    """Return where each of ``n`` values begins in the sorted ``index``, and its length."""
    return torch.searchsorted(index, torch.arange(n + 1, device=index.device))


def _chunks(atom_start: IntArray, pair_start: IntArray) -> list[Chunk]:
    """Cut molecules, of which the first atoms and pairs are given, where a chunk is full."""
    filled = pair_start[:-1] // CHUNK_PAIRS
    cuts = [0, *(np.flatnonzero(np.diff(filled)) + 1).tolist(), len(filled)]
    return [
        Chunk(
            (m, n),
            (int(atom_start[m]), int(atom_start[n])),
            slice(int(pair_start[m]), int(pair_start[n])),
        )
        for m, n in pairwise(cuts)
        if m < n
    ]


class _DenseTanh(Function):
    """Dense layers with tanh; keeps their outputs, from which the slopes of tanh follow."""

    @staticmethod
    def forward(ctx: Any, n_layers: int, x: Tensor, *parameters: Tensor) -> Tensor:
        weights, biases = parameters[:n_layers], parameters[n_layers:]
        kept = [x]
        for k, weight in enumerate(weights):
            y = torch.mm(x, weight.t()) if not biases else torch.addmm(biases[k], x, weight.t())
            native.call("tanh_forward", y, y.numel())
            kept.append(y)
            x = y
        ctx.biased = bool(biases)
        ctx.save_for_backward(*kept, *weights)
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        n_layers = len(ctx.saved_tensors) // 2
        kept, weights = ctx.saved_tensors[: n_layers + 1], ctx.saved_tensors[n_layers + 1 :]
        d_weights: list[Tensor] = []
        d_biases: list[Tensor] = []
        upstream = upstream.contiguous()
        slope = torch.empty_like(upstream)
        for layer in range(n_layers - 1, -1, -1):
            native.call("tanh_backward", upstream, kept[layer + 1], slope, slope.numel())
            d_weights.insert(0, torch.mm(slope.t(), kept[layer]))
            if ctx.biased:
                d_biases.insert(0, slope.sum(dim=0))
            upstream = slope = torch.mm(slope, weights[layer])
        return None, upstream, *d_weights, *d_biases


def dense_tanh(x: Tensor, layers: Sequence[nn.Linear]) -> Tensor:
    """Return x (n, features) after dense ``layers``, all or none with a bias, each with a tanh."""
    biases = [layer.bias for layer in layers if layer.bias is not None]
    weights = [layer.weight for layer in layers]
    apply: Callable[..., Tensor] = _DenseTanh.apply
    return apply(len(weights), x.contiguous(), *weights, *biases)


@dataclass(frozen=True)
class _Stage:
    """What the layers on pairs take, or the gradients with respect to it.

    The shares ``centre`` and ``neighbour`` (N, B·C'), the ``basis`` (P, B), the ``carried`` d
    (P, x) and p (N, x, C), and the ``weights`` of II. Of a gradient that is not asked for, and of p
    that is zero, there is nothing.
    """

    runs: PairRuns
    centre: Tensor
    neighbour: Tensor
    basis: Tensor | None
    carried: Sequence[tuple[Any, Tensor | None]]
    weights: Sequence[Tensor]

    def forward(self, chunk: Chunk, outputs: Sequence[Tensor], sums: Sequence[Tensor]) -> None:
        """Fill the chunk's ``outputs`` of PI and each layer of II, and its rows of ``sums``."""
        call, pair_start, neighbour = native.call, self.runs.pair_start, self.runs.neighbour
        of_pi = (self.centre, self.neighbour, self.basis, pair_start, neighbour)
        channels, width = outputs[0].shape[1], outputs[-1].shape[1]
        n_basis = self.centre.shape[1] // channels
        call("pair_forward", *of_pi, outputs[0], *chunk.atoms, n_basis, channels)
        for weight, (x, y) in zip(self.weights, pairwise(outputs), strict=True):
            torch.mm(x, weight.t(), out=y)
            call("tanh_forward", y, y.numel())
        call("sum_forward", outputs[-1], pair_start, sums[0], *chunk.atoms, width)
        for k, (carried, summed) in enumerate(zip(self.carried, sums[1:], strict=True), start=1):
            _, components, channels = summed.shape
            inputs = (*carried, outputs[-1][:, k * channels :], pair_start, neighbour)
            call("carried_forward", *inputs, summed, *chunk.atoms, components, channels, width)

    def backward(
        self,
        chunk: Chunk,
        outputs: Sequence[Tensor],
        upstream: Sequence[Tensor],
        slopes: Sequence[Tensor],
        gradient: Self,
    ) -> None:
        """Add the chunk to ``gradient``; ``slopes`` is room for the gradients of ``outputs``."""
        runs, call, width = self.runs, native.call, outputs[-1].shape[1]
        places = (runs.atom_start, runs.pair_start, runs.neighbour)
        call("sum_backward", upstream[0], runs.pair_start, slopes[-1], *chunk.atoms, width)
        for k, (carried, d_carried) in enumerate(
            zip(self.carried, gradient.carried, strict=True), start=1
        ):
            _, components, channels = upstream[k].shape
            scale, d_scale = (values[:, k * channels :] for values in (outputs[-1], slopes[-1]))
            inputs = (upstream[k], *carried, scale, *places, *d_carried, d_scale)
            call("carried_backward", *inputs, *chunk.molecules, components, channels, width)
        for layer in range(len(self.weights) - 1, -1, -1):
            x, y, slope = outputs[layer], outputs[layer + 1], slopes[layer + 1]
            call("tanh_backward", slope, y, slope, y.numel())
            gradient.weights[layer].addmm_(slope.t(), x)
            torch.mm(slope, self.weights[layer], out=slopes[layer])
        channels = outputs[0].shape[1]
        of_pi = (slopes[0], self.centre, self.neighbour, self.basis, *places)
        into = (gradient.centre, gradient.neighbour, gradient.basis)
        n_basis = self.centre.shape[1] // channels
        call("pair_backward", *of_pi, *into, *chunk.molecules, n_basis, channels)


class _PairStage(Function):
    """From the atoms' shares of the PI layer to the sums over neighbours, chunk by chunk.

    A chunk of pairs stays in the cache from layer to layer. The layers' outputs are kept for the
    gradient; inside the PI layer, where they are largest, they are computed again.
    """

    @staticmethod
    def forward(
        ctx: Any, runs: PairRuns, n_carried: int, *inputs: Tensor | None
    ) -> tuple[Tensor, ...]:
        stage = _stage(runs, n_carried, inputs)
        widths = [stage.weights[0].shape[1], *map(len, stage.weights)]
        channels, new = widths[-1] // (1 + n_carried), stage.centre.new_empty
        sums = [new(runs.n_atoms, widths[-1])]
        sums.extend(new(runs.n_atoms, d.shape[1], channels) for d, _ in stage.carried)
        keep = any(ctx.needs_input_grad)
        kept = [new(len(runs.neighbour) if keep else runs.largest_chunk, w) for w in widths]
        for chunk in runs.chunks:
            rows = chunk.pairs if keep else slice(chunk.n_pairs)
            stage.forward(chunk, [values[rows] for values in kept], sums)
        ctx.runs, ctx.n_carried, ctx.n_inputs = runs, n_carried, len(inputs)
        ctx.save_for_backward(*inputs, *kept)
        return tuple(sums)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        runs: PairRuns = ctx.runs
        inputs, kept = ctx.saved_tensors[: ctx.n_inputs], ctx.saved_tensors[ctx.n_inputs :]
        # The basis and the directions: the loops fill in the gradients of all else unasked.
        of_distances = {2, *range(3, 3 + 2 * ctx.n_carried, 2)}
        gradients = [
            None
            if values is None or (k in of_distances and not ctx.needs_input_grad[2 + k])
            else torch.zeros_like(values)
            for k, values in enumerate(inputs)
        ]
        stage, gradient = (_stage(runs, ctx.n_carried, values) for values in (inputs, gradients))
        slopes = [values.new_empty(runs.largest_chunk, values.shape[1]) for values in kept]
        upstream = tuple(values.contiguous() for values in upstream)
        for chunk in runs.chunks:
            outputs = [values[chunk.pairs] for values in kept]
            room = [values[: chunk.n_pairs] for values in slopes]
            stage.backward(chunk, outputs, upstream, room, gradient)
        return None, None, *gradients


def _stage(runs: PairRuns, n_carried: int, inputs: Sequence[Any]) -> _Stage:
    centre, neighbour, basis, *others = inputs
    carried, weights = others[: 2 * n_carried], others[2 * n_carried :]
    couples = list(zip(carried[::2], carried[1::2], strict=True))
    return _Stage(runs, centre, neighbour, basis, couples, weights)


def pair_stage(
    runs: PairRuns,
    of_atoms: tuple[Tensor, Tensor],
    basis: Tensor,
    layers: Sequence[nn.Linear],
    carried: Sequence[tuple[Tensor, Tensor | None]],
) -> tuple[Tensor, ...]:
    r"""Return :math:`\sum_j i^1_{ij}` (N, W), and :math:`\sum_j (d_{ij} + p_j) s_{ij}` (N, x, C).

    ``of_atoms`` are the shares (N, B·C') of atoms i and j in the PI layer, the channel as the
    fastest index, ``basis`` is (P, B) and ``layers`` the bias-free ones of II. Its output i1 (P, W)
    has slices of C channels: the scalars, then one s for each of the ``carried``, which are d
    (P, x) and p (N, x, C), or None where that is zero.
    """
    inputs = [*of_atoms, basis, *(values for couple in carried for values in couple)]
    contiguous = [values if values is None else values.contiguous() for values in inputs]
    weights = [layer.weight for layer in layers]
    apply: Callable[..., tuple[Tensor, ...]] = _PairStage.apply
    return apply(runs, len(carried), *contiguous, *weights)

r"""The network in one differentiable operation on the CPU: see ``kernels.cpp``.

It equals the plain layers of :mod:`mepflow.nn.pinet2.pinet2_network` to rounding, and its gradients
too. They have first derivatives only. Callers ask :func:`mepflow.nn.pinet2.native.usable` first.
"""

import ctypes
import mmap
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.autograd import Function

from mepflow.nn.first_derivatives import first_derivatives_only
from mepflow.nn.graph import Graph
from mepflow.nn.pinet2 import native

CHUNK_COST: Final = 8192
"""Pairs, and atoms that count as several, of the molecules that go through the network together:
few enough for the cache, enough to be worth fetching the weights."""


# Where the pointers begin that the loops take; see Pointer in pass.hpp.
_INPUTS: Final = 0
_ROOMS: Final = 7
_OUTPUTS: Final = 9
_OF_PAIRS: Final = 12
_WEIGHTS: Final = 15


@dataclass(frozen=True)
class Plan:
    """A network for the loops.

    The ``numbers`` are those of ``Shape`` in ``network.hpp``. Of the properties p1, p3 and p5,
    ``outputs`` are the indices of the network's outputs in their order, ``slices`` is their number.
    """

    numbers: tuple[int, ...]
    outputs: tuple[int, ...]
    slices: int


def outputs(
    plan: Plan, graph: Graph, basis: Tensor, directions: Sequence[Tensor], weights: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    """Return the network's outputs, (N,), (N, 3) or (N, 5), in the order of the plan.

    ``basis`` is (P, B), ``directions`` are the d^x (P, x) of the network's vectors and matrices,
    ``weights`` all its parameters in PyTorch's order.
    """
    of_pairs = [values.contiguous() for values in (basis, *directions)]
    # Asked for here: inside a function of autograd gradients are off.
    keeps = torch.is_grad_enabled() and any(v.requires_grad for v in (*of_pairs, *weights))
    call = _Call(plan, graph, of_pairs, weights, keeps=keeps)
    apply: Callable[..., tuple[Tensor, ...]] = _Network.apply
    return apply(call, *of_pairs, *weights) if keeps else call.forward()


class _Network(Function):
    """All blocks and heads; keeps the layers' outputs, from which the slopes of tanh follow."""

    @staticmethod
    def forward(ctx: Any, call: "_Call", *inputs: Tensor) -> tuple[Tensor, ...]:
        ctx.call = call
        ctx.save_for_backward(*inputs)
        return call.forward()

    @staticmethod
    @first_derivatives_only
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        # Raises where a weight was changed in between.
        inputs = ctx.saved_tensors
        call: _Call = ctx.call
        of_pairs = [
            torch.zeros_like(values) if needed else None
            for values, needed in zip(
                inputs[: call.plan.slices], ctx.needs_input_grad[1:], strict=False
            )
        ]
        return None, *of_pairs, *call.backward(upstream, of_pairs)


class _Call:
    """The arguments of the loops, and what forward leaves for backward.

    They hold the tensors' addresses, so the tensors are kept, too.
    """

    def __init__(
        self,
        plan: Plan,
        graph: Graph,
        of_pairs: Sequence[Tensor],
        weights: Sequence[Tensor],
        *,
        keeps: bool,
    ) -> None:
        self.plan = plan
        self._basis = of_pairs[0]
        self.precision = self._basis.dtype
        self._n_atoms = len(graph.species)
        indices = [
            values.contiguous()
            for values in (graph.species, graph.molecule, graph.pair_i, graph.pair_j)
        ]
        self._weights = [values.contiguous() for values in weights]
        self._inputs = [*indices, *of_pairs]
        self._numbers = (ctypes.c_int64 * (6 + len(plan.numbers)))(
            *(torch.get_num_threads(), CHUNK_COST, keeps),
            *(graph.n_molecules, self._n_atoms, len(graph.pair_i)),
            *plan.numbers,
        )
        self._pointers = (ctypes.c_void_p * (_WEIGHTS + len(weights)))()
        self._point(_INPUTS, self._inputs)
        self._point(_WEIGHTS, self._weights)
        self._kept: _Lease | None = None

    def forward(self) -> tuple[Tensor, ...]:
        """Return the outputs in the order of the plan."""
        shapes = ((self._n_atoms,), (self._n_atoms, 3), (self._n_atoms, 5))
        found = [self._basis.new_zeros(shape) for shape in shapes[: self.plan.slices]]
        kept_bytes, work_bytes = self._room(backward=False)
        self._kept, work = _Lease(kept_bytes), _Lease(work_bytes)
        self._pointers[_ROOMS : _ROOMS + 2] = [self._kept.address, work.address]
        self._point(_OUTPUTS, [v if k in self.plan.outputs else None for k, v in enumerate(found)])
        native.call("forward", self.precision, self._numbers, self._pointers)
        return tuple(found[k] for k in self.plan.outputs)

    def backward(
        self, upstream: Sequence[Tensor], of_pairs: Sequence[Tensor | None]
    ) -> list[Tensor]:
        """Return the gradients of the weights; add those of basis and directions, if any."""
        given: list[Tensor | None] = [None] * self.plan.slices
        for k, values in zip(self.plan.outputs, upstream, strict=True):
            given[k] = values.contiguous()
        sizes = [values.numel() for values in self._weights]
        flat = self._basis.new_zeros(sum(sizes))
        starts = np.cumsum([0, *sizes[:-1]]) * flat.element_size() + flat.data_ptr()
        into = (ctypes.c_void_p * len(sizes))(*starts.tolist())
        work = _Lease(self._room(backward=True)[1])
        self._pointers[_ROOMS + 1] = work.address
        self._point(_OUTPUTS, given)
        self._point(_OF_PAIRS, of_pairs)
        native.call("backward", self.precision, self._numbers, self._pointers, into)
        pieces = torch.split(flat, sizes)
        return [piece.view_as(values) for piece, values in zip(pieces, self._weights, strict=True)]

    def _room(self, *, backward: bool) -> tuple[int, int]:
        """Return the bytes of what is kept and of what is only needed during the call."""
        sizes = (ctypes.c_int64 * 2)()
        native.call("room", self.precision, self._numbers, self._pointers, int(backward), sizes)
        return sizes[0], sizes[1]

    def _point(self, first: int, values: Sequence[Tensor | None]) -> None:
        for place, value in enumerate(values, start=first):
            self._pointers[place] = None if value is None else value.data_ptr()


class _Room:
    """A piece of memory, in large pages where the system has them."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        if hasattr(mmap, "MADV_HUGEPAGE"):
            self._memory.madvise(mmap.MADV_HUGEPAGE)
        self._first = ctypes.c_char.from_buffer(self._memory)
        self.address = ctypes.addressof(self._first)


class _Lease:
    """A room for as long as the lease lives; then others can have it.

    The system takes as long to hand out new memory as the network to fill it.
    """

    _GRAIN: Final = 1 << 21
    _MOST_FREE: Final = 4
    _free: Final[list[_Room]] = []
    # Reentrant: the collector may end an old lease in the middle of a new one's birth.
    _lock: Final = threading.RLock()

    def __init__(self, size: int) -> None:
        with self._lock:
            enough = [room for room in self._free if room.size >= size]
            if enough:
                self._room = min(enough, key=lambda room: room.size)
                self._free.remove(self._room)
            else:
                self._room = _Room((size + size // 4) // self._GRAIN * self._GRAIN + self._GRAIN)
        self.address = self._room.address

    def __del__(self) -> None:
        room = getattr(self, "_room", None)
        if room is None:
            return
        with self._lock:
            self._free.append(room)
            if len(self._free) > self._MOST_FREE:
                self._free.remove(min(self._free, key=lambda other: other.size))

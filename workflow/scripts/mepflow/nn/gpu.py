"""When the network's kernels for GPUs are used, and how they are launched.

They equal the plain layers of :mod:`mepflow.nn.pinet2.layers` to rounding. Nothing is added
atomically, so results are the same in every run. The kernels need Triton, which comes with PyTorch
for GPUs; without it the plain layers do the same.
"""

import contextlib
import logging
from collections.abc import Callable, Iterator
from functools import lru_cache
from types import ModuleType
from typing import Any, Final

import torch
from torch import Tensor
from torch.autograd import Function

logger = logging.getLogger(__name__)

WIDEST: Final = 128
"""The widest layer whose weights fit into the fast memory of one multiprocessor as a whole."""
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


def launch(name: str, grid: tuple[int, ...], *arguments: Any, **constants: Any) -> None:
    """Run a kernel of :mod:`mepflow.nn.gpu_kernels` in ``grid`` programs, if there are any."""
    if all(grid):
        getattr(_kernels(), name)[grid](*arguments, **constants)


def block_size(width: int) -> int:
    """Return the power of two, 16 at least, in which a kernel holds ``width`` numbers."""
    return max(16, 1 << (width - 1).bit_length())


def tiles(size: int, at_once: int) -> int:
    """Return how many tiles of ``at_once`` rows cover ``size`` rows."""
    return -(-size // at_once)


def apply(function: type[Function], *arguments: Any) -> Tensor:
    """Return the one tensor of a function of autograd."""
    run: Callable[..., Tensor] = function.apply
    return run(*arguments)

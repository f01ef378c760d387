"""The functions of ``kernels.cpp``, compiled for this machine when they are first needed.

They are used on the CPU where a C++ compiler (``CXX``, or g++) is at hand; everywhere else the
layers do the same in PyTorch's own operations, in several passes over memory.
"""

import contextlib
import ctypes
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from mepflow import compiler

_FOLDER: Final = Path(__file__).parent
SOURCE: Final = _FOLDER / "kernels.cpp"
HEADERS: Final = tuple(
    _FOLDER / name
    for name in (
        *("vectors.hpp", "products.hpp", "layers.hpp", "network.hpp"),
        *("pairs.hpp", "first_layer.hpp", "tapes.hpp", "pass.hpp"),
    )
)
_SUFFIX: Final = {torch.float32: "float32", torch.float64: "float64"}
# Of mallopt: the numbers of two limits in malloc.h, and the limits that are set, in bytes.
_KEPT_MEMORY: Final = {"trim_threshold": (-1, 1 << 26), "mmap_threshold": (-3, 1 << 25)}
_allowed = True


@contextlib.contextmanager
def switched_off() -> Iterator[None]:
    """Let the layers use PyTorch's own operations alone inside the block."""
    global _allowed
    before, _allowed = _allowed, False
    try:
        yield
    finally:
        _allowed = before


def usable(*tensors: Tensor) -> bool:
    """Whether the loops can take these tensors: on the CPU, of one precision that they know.

    Not inside ``torch.compile``, which would have to stop at them, nor under autocast.
    """
    first = tensors[0].dtype
    return (
        _allowed
        and not torch.compiler.is_compiling()
        and first in _SUFFIX
        and all(values.device.type == "cpu" and values.dtype == first for values in tensors)
        and not torch.is_autocast_enabled("cpu")
        and _library() is not None
    )


def call(name: str, precision: torch.dtype, *arguments: Tensor | int | ctypes.Array[Any]) -> None:
    """Run the function ``name`` in a precision.

    Tensors pass as the address of their first number. Nothing is checked: sizes, order and
    contiguity are the caller's duty.
    """
    _function(f"{name}_{_SUFFIX[precision]}")(*map(_argument, arguments))


@lru_cache
def _function(name: str) -> Callable[..., None]:
    library = _library()
    if library is None:
        raise RuntimeError("the loops are not available here")
    address = ctypes.c_void_p.in_dll(library, name).value or 0
    return ctypes.CFUNCTYPE(None)(address)


def _argument(value: Tensor | int | ctypes.Array[Any]) -> Any:
    if isinstance(value, int):
        return ctypes.c_int64(value)
    return ctypes.c_void_p(value.data_ptr()) if isinstance(value, Tensor) else value


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL | None:
    library = compiler.load(SOURCE, "the network", HEADERS)
    if library is not None:
        _keep_memory(library)
    return library


def _keep_memory(library: ctypes.CDLL) -> None:
    """Let this process keep the memory that a step frees: the next needs as much again.

    Else the system takes it back and clears it each time, which is a tenth of a training step of
    the large network on 32 molecules.
    """
    set_limit = getattr(library, "mallopt", None)  # glibc's
    if set_limit is not None:
        for which, n_bytes in _KEPT_MEMORY.values():
            set_limit(which, n_bytes)

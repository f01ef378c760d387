"""The functions of ``kernels.cpp``, compiled for this machine when they are first needed.

They are used on the CPU where a C++ compiler (``CXX``, or g++) is at hand; everywhere else the
layers do the same in PyTorch's own operations, in several passes over memory. The library is kept
in ``$XDG_CACHE_HOME/mepflow`` (``~/.cache/mepflow``), under the digest of its source, compiler and
processor.
"""

import contextlib
import ctypes
import hashlib
import logging
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from mepflow.files import atomic_path

logger = logging.getLogger(__name__)

SOURCES: Final = tuple(
    Path(__file__).with_name(name)
    for name in (
        *("kernels.cpp", "layers.hpp", "network.hpp"),
        *("pairs.hpp", "products.hpp", "vectors.hpp"),
    )
)
"""What is compiled, and what it includes."""
FLAGS: Final = (
    *("-std=c++17", "-O3", "-march=native", "-fopenmp", "-shared", "-fPIC"),
    # Products and sums in one instruction; no tests for errors nobody asks for. NaN stays NaN.
    *("-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"),
)
_SUFFIX: Final = {torch.float32: "float32", torch.float64: "float64"}
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
    """Return the compiled loops, or None, with a line in the log, where that fails."""
    compiler = shutil.which(os.environ.get("CXX", "g++"))
    if compiler is None:
        logger.info("no C++ compiler found: the network runs without its compiled loops, slower")
        return None
    try:
        return ctypes.CDLL(str(_compiled(compiler)))
    except subprocess.CalledProcessError as error:
        reason = error.stderr.strip().splitlines()[:1]
    except (OSError, RuntimeError) as error:  # no home folder is a RuntimeError
        reason = [str(error)]
    logger.info("the network runs without its compiled loops, slower: %s", *reason or ["no reason"])
    return None


def _compiled(compiler: str) -> Path:
    version = subprocess.run([compiler, "--version"], check=True, capture_output=True).stdout
    sources = [path.read_bytes() for path in SOURCES]
    arguments = [*FLAGS, *_openmp_of_torch()]
    key = hashlib.sha256(b"\0".join([*sources, " ".join(arguments).encode(), version]))
    key.update(_processor().encode())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    library = cache / "mepflow" / f"kernels-{key.hexdigest()[:16]}.so"
    if not library.exists():
        with atomic_path(library) as temporary:
            command = [compiler, str(SOURCES[0]), *arguments, "-o", str(temporary)]
            subprocess.run(command, check=True, capture_output=True, text=True)
    return library


def _openmp_of_torch() -> list[str]:
    """Return the OpenMP library that PyTorch brings, if it does, so that both share its threads.

    Idle threads of one library wait busily and would keep those of another from the cores.
    """
    package = Path(torch.__file__).parent
    folders = (package / "lib", package.parent / "torch.libs")
    return [str(path) for folder in folders for path in sorted(folder.glob("libgomp*.so*"))][:1]


def _processor() -> str:
    """Return what the processor can do: a home folder may be shared by different machines."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = ("model name", "flags", "Features", "CPU part")
    return "\n".join(sorted({line for line in lines if line.startswith(names)}))

"""Loops in C++, compiled for this machine when they are first needed.

They are used where a C++ compiler (``CXX``, or g++) is at hand; everywhere else the callers do the
same in Python, slower. A library is kept in ``$XDG_CACHE_HOME/mepflow`` (``~/.cache/mepflow``),
under the digest of its source, compiler and processor.
"""

import ctypes
import hashlib
import logging
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mepflow.storage.files import atomic_path, cache_folder

logger = logging.getLogger(__name__)

FLAGS: Final = (
    *("-std=c++17", "-O3", "-march=native", "-fopenmp", "-shared", "-fPIC"),
    # Products and sums in one instruction; no errno, no traps, which we do not read. NaN stays NaN.
    *("-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"),
)


def load(source: Path, user: str, headers: Sequence[Path] = ()) -> ctypes.CDLL | None:
    """Return the compiled ``source``, or None, with a line in the log about ``user``, if it fails.

    ``headers`` are all that it includes. Callers keep what they get: every call asks the compiler
    for its version.
    """
    compiler = shutil.which(os.environ.get("CXX", "g++"))
    if compiler is None:
        logger.info("no C++ compiler found: %s runs without its compiled loops, slower", user)
        return None
    try:
        return ctypes.CDLL(str(_compiled(compiler, source, headers, user)))
    except subprocess.CalledProcessError as error:
        reason = error.stderr.strip().splitlines()[:1]
    except (OSError, RuntimeError) as error:  # no home folder is a RuntimeError
        reason = [str(error)]
    message = "%s runs without its compiled loops, slower: %s"
    logger.info(message, user, *reason or ["no reason"])
    return None


def _compiled(compiler: str, source: Path, headers: Sequence[Path], user: str) -> Path:
    version = subprocess.run([compiler, "--version"], check=True, capture_output=True).stdout
    sources = [path.read_bytes() for path in (source, *headers)]
    key = hashlib.sha256(b"\0".join([*sources, " ".join(FLAGS).encode(), version]))
    key.update(_processor().encode())
    library = cache_folder() / f"{source.stem}-{key.hexdigest()[:16]}.so"
    if not library.exists():
        logger.info("compiling %s for this machine, once; this can take half a minute", user)
        with atomic_path(library) as temporary:
            command = [compiler, *FLAGS, str(source), "-o", str(temporary)]
            subprocess.run(command, check=True, capture_output=True, text=True)
    return library


def _processor() -> str:
    """Return what the processor can do: a home folder may be shared by different machines."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = ("model name", "flags", "Features", "CPU part")
    return "\n".join(sorted({line for line in lines if line.startswith(names)}))

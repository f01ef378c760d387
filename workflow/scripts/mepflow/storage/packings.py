"""Packed files, known by how they begin: what is read as it is, and what must be unpacked first."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Final

from mepflow.errors import InputError

ZIP: Final = b"PK\x03\x04"
ENDS: Final = (".gz", ".bz2", ".xz")
"""Ends of the names of packed files that are read."""
UNPACKING_ERRORS: Final = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError)
"""What unpacking a damaged file raises."""
_READ: Final[dict[bytes, Callable[..., Any]]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
_FOREIGN: Final = {
    b"\x28\xb5\x2f\xfd": "zstd",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!": "rar",
}
_MARK_BYTES: Final = 6


def beginning(path: Path) -> bytes:
    """Return the bytes that tell how a file is packed."""
    with path.open("rb") as file:
        return file.read(_MARK_BYTES)


def unpacked(file: Path | BinaryIO, begin: bytes, name: Path) -> Any:
    """Return a binary stream of what ``file`` holds, which begins with ``begin``; or None.

    None stands for a file that is not packed. Raises :class:`InputError`, with ``name``, for a
    packing that is not read.
    """
    for mark, packing in _FOREIGN.items():
        if begin.startswith(mark):
            raise InputError(f"{name} is packed as {packing}: unpack it, and give what it holds.")
    for mark, opened in _READ.items():
        if begin.startswith(mark):
            return opened(file)
    return None

"""Errors that libraries raise on damaged files, and their messages in one line."""

import lzma
import pickle
import struct
import tokenize
import zipfile
import zlib
from typing import Final

DAMAGE: Final = (
    OSError,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    RuntimeError,
    ArithmeticError,
    AssertionError,
    SyntaxError,
    MemoryError,
    struct.error,
    pickle.UnpicklingError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)
"""Errors of h5py, NumPy, PyTorch, pickle, zipfile and our own checks on mangled content."""
_LONGEST_REASON: Final = 200


def reason(error: BaseException) -> str:
    """Return the message of an error in one line of printable characters."""
    return ascii(" ".join(str(error).split()))[1:-1][:_LONGEST_REASON]

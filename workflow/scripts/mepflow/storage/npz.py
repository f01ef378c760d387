"""Arrays of an ``.npz`` file that may be damaged or made to do harm."""

import zipfile
from math import prod
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from mepflow.storage.damage import DAMAGE

_HEADERS: Final = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npz(file: str | Path | IO[bytes], limit: int) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a file by name; nothing is unpickled.

    Raises ``FileNotFoundError``, and ``ValueError`` where the file is damaged, the arrays would
    take more than ``limit`` bytes, or one claims to be larger than what is there of it.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > limit:
                raise ValueError(f"it holds more than {limit} bytes")
            if len({member.filename for member in members}) < len(members):
                raise ValueError("two arrays have the same name")
            return {
                member.filename.removesuffix(".npy"): _read_array(archive, member)
                for member in members
            }
    except (FileNotFoundError, ValueError):
        raise
    except DAMAGE as error:
        raise ValueError(f"it is no whole .npz file: {error}") from error


def _read_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> npt.NDArray[Any]:
    with archive.open(member) as content:
        version = np.lib.format.read_magic(content)
        shape, _, dtype = _HEADERS[version](content)
        size = prod(shape) * dtype.itemsize
        if dtype.hasobject or min(shape, default=0) < 0 or size > member.file_size:
            raise ValueError(f"{member.filename} is not an array of {dtype} {shape}")
    with archive.open(member) as content:
        return np.asarray(np.lib.format.read_array(content, allow_pickle=False))

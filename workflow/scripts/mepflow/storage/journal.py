"""An append-only file of arrays that survives a kill at any moment.

Each record is a header (magic, length, SHA-256) and an ``.npz`` body, flushed to disk before
:meth:`Journal.append` returns. A record cut short by a kill is recognised by its length or checksum
and dropped with whatever follows it; the records before it are whole.

The header is the same in all versions of the format; the last byte of the magic is the version.
"""

import hashlib
import io
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from mepflow.errors import StateError
from mepflow.storage.npz import read_npz
from mepflow.storage.versions import NewerVersionError, Upgrade, checked_version, upgraded

FORMAT_VERSION: Final = 1
_UPGRADES: Final[Mapping[int, Upgrade]] = {}
_MAGIC: Final = b"mepflow"
_HEADER: Final = struct.Struct("<7scQ32s")

Record = dict[str, npt.NDArray[Any]]


class Journal:
    """Records of named arrays, appended to one file."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def read(self) -> list[Record]:
        """Return the whole records, and cut the file after the last of them.

        Raises :class:`StateError`, and leaves the file as it is, where a whole record holds
        something else than arrays or is newer than this program.
        """
        if not self.path.exists():
            return []
        records, end = [], 0
        with self.path.open("r+b") as file:
            try:
                for record, position in self._whole_records(file.read()):
                    records.append(record)
                    end = position
            except NewerVersionError as error:
                raise StateError(
                    f"{self.path} is newer than this program ({error}): go on with the mepflow "
                    "that wrote it, or delete it to compute its molecules again."
                ) from error
            except ValueError as error:
                raise StateError(
                    f"{self.path} was not written by this program ({error}): delete it."
                ) from error
            file.truncate(end)
        return records

    def append(self, record: Mapping[str, npt.ArrayLike]) -> None:
        """Add one record and flush it to disk; an ``OSError`` names the file."""
        body = io.BytesIO()
        np.savez(
            body, allow_pickle=False, **{name: np.asarray(value) for name, value in record.items()}
        )
        content = body.getvalue()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        header = _HEADER.pack(
            _MAGIC, b"%d" % FORMAT_VERSION, len(content), hashlib.sha256(content).digest()
        )
        try:
            with self.path.open("ab") as file:
                file.write(header + content)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            error.filename = str(self.path)
            raise

    @staticmethod
    def _whole_records(content: bytes) -> Iterator[tuple[Record, int]]:
        position = 0
        while position + _HEADER.size <= len(content):
            magic, version, length, digest = _HEADER.unpack_from(content, position)
            start = position + _HEADER.size
            body = content[start : start + length]
            if magic != _MAGIC or len(body) < length or hashlib.sha256(body).digest() != digest:
                return
            number = checked_version(int(version), _UPGRADES, FORMAT_VERSION)
            record = read_npz(io.BytesIO(body), limit=len(body))  # they are not compressed
            position = start + length
            yield upgraded(record, number, _UPGRADES, FORMAT_VERSION), position

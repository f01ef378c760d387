"""Records of QM9 that wait on disk until all have been seen, to be read again in any order.

Only the key and the place of each are in memory. The file has no name, so that it is gone with the
process, however that ends.
"""

import contextlib
import os
import struct
import tempfile
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import numpy as np

from mepflow.archives.qm9 import COLUMNS, DIGEST_BYTES, Record
from mepflow.molecules import IntArray

_HEADER: Final = struct.Struct(f"<{DIGEST_BYTES}sIII")
"""Digest, number, atoms, wavenumbers; then the numbers, the elements and, line by line, texts."""


class RecordFile:
    """Records by their row, which is the order in which they came; see :func:`open_record_file`."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._numbers = array("q")
        self._starts = array("q", [0])

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def numbers(self) -> IntArray:
        """The number of each record, in the order of the rows."""
        return np.array(self._numbers, dtype=np.int64)

    def append(self, record: Record) -> None:
        """Put a record behind the others."""
        content = _packed(record)
        self._file.write(content)
        self._numbers.append(record.number)
        self._starts.append(self._starts[-1] + len(content))

    def read(self, row: int) -> Record:
        """Return the record in a row, equal to the one that was appended."""
        self._file.flush()
        start, end = self._starts[row : row + 2]
        return _unpacked(os.pread(self._file.fileno(), end - start, start))


@contextlib.contextmanager
def open_record_file(folder: Path) -> Iterator[RecordFile]:
    """Give an empty file on the disk of ``folder``; an ``OSError`` names the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            yield RecordFile(file)
    except OSError as error:
        error.filename = error.filename or str(folder)
        raise


def _packed(record: Record) -> bytes:
    header = _HEADER.pack(
        record.digest, record.number, len(record.atomic_numbers), len(record.wavenumbers)
    )
    numbers = (
        record.positions,
        record.mulliken_charges,
        record.properties,
        record.wavenumbers,
    )
    texts = (
        record.source,
        record.archive_smiles,
        record.relaxed_smiles,
        record.archive_inchi,
        record.relaxed_inchi,
    )
    return b"".join(
        (
            header,
            *(values.tobytes() for values in numbers),
            bytes(record.atomic_numbers),
            "\n".join(texts).encode(),
        )
    )


def _unpacked(content: bytes) -> Record:
    digest, number, n_atoms, n_waves = _HEADER.unpack_from(content)
    charges, properties = 3 * n_atoms, 4 * n_atoms
    waves = properties + len(COLUMNS)
    numbers = np.frombuffer(content, np.float64, waves + n_waves, _HEADER.size)
    elements = _HEADER.size + numbers.nbytes
    texts = elements + n_atoms
    source, archive_smiles, relaxed_smiles, archive_inchi, relaxed_inchi = (
        content[texts:].decode().split("\n")
    )
    return Record(
        number,
        source,
        list(content[elements:texts]),
        numbers[:charges].reshape(-1, 3),
        numbers[charges:properties],
        numbers[properties:waves],
        numbers[waves:],
        archive_smiles,
        relaxed_smiles,
        archive_inchi,
        relaxed_inchi,
        digest,
    )

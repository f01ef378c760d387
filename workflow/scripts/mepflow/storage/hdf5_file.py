"""Opening HDF5 files: for reading where they may be damaged, for writing where a disk may fill up.

HDF5 2.0 checks what it reads with two exceptions, which fuzzing found. A heap of texts that holds a
free piece of no length (a block of zeros will do) is read for ever: all reading goes through a file
object here that looks at each heap first. An attribute of an unknown kind of variable length ends
the process: only texts and numbers are read from attributes.
"""

import contextlib
import io
import os
import struct
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

_PLAIN_TYPES: Final = (h5py.h5t.TypeStringID, h5py.h5t.TypeIntegerID, h5py.h5t.TypeFloatID)
_HEAP: Final = b"GCOL"
_HEAP_HEADER: Final = struct.Struct("<4sB3xQ")
_ITEM_HEADER: Final = struct.Struct("<HHIQ")


@contextlib.contextmanager
def open_hdf5(path: str | Path, access: h5py.h5p.PropFAID | None = None) -> Iterator[h5py.File]:
    """Open a file for reading, its name being ``path``; raises ``OSError`` where it is not HDF5.

    ``access`` are HDF5's own properties of the access, a new list if None.
    """
    access = access or h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
    with _CheckedFile(path) as checked:
        access.set_fileobj_driver(h5py.h5fd.fileobj_driver, checked)
        with h5py.File(h5py.h5f.open(os.fsencode(path), h5py.h5f.ACC_RDONLY, access)) as file:
            yield file


def read_attribute(holder: h5py.File | h5py.Group | h5py.Dataset, name: str) -> Any:
    """Return an attribute that is one text or one number, None where there is none.

    Raises ``ValueError`` where it is anything else.
    """
    if not h5py.h5a.exists(holder.id, name.encode()):
        return None
    attribute = h5py.h5a.open(holder.id, name.encode())
    if not isinstance(attribute.get_type(), _PLAIN_TYPES) or prod(attribute.shape) != 1:
        raise ValueError(f"the attribute {name} is neither a text nor a number")
    return np.asarray(holder.attrs[name], dtype=object).ravel()[0]


class _CheckedFile(io.FileIO):
    """A file that refuses to read a heap of texts in which HDF5 would never arrive at the end."""

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer, with zeros beyond the end of the file, as HDF5 expects it."""
        view = memoryview(buffer)
        start = self.tell()
        filled = 0
        while filled < len(view) and (more := super().readinto(view[filled:])):
            filled += more
        if filled < len(view):
            view[filled:] = bytes(len(view) - filled)
        if bytes(view[: len(_HEAP)]) == _HEAP:
            self._check_heap(start)
        return len(view)

    def _check_heap(self, start: int) -> None:
        """Walk over the items of the heap at ``start`` as HDF5 does, from header to header."""
        header = os.pread(self.fileno(), _HEAP_HEADER.size, start)
        if len(header) < _HEAP_HEADER.size:
            raise OSError("a heap of texts is cut short")
        size = _HEAP_HEADER.unpack(header)[2]
        if size > os.fstat(self.fileno()).st_size:
            raise OSError("a heap of texts is larger than the file")
        content = os.pread(self.fileno(), size, start)
        place = _HEAP_HEADER.size
        while place + _ITEM_HEADER.size <= len(content):
            index, _, _, length = _ITEM_HEADER.unpack_from(content, place)
            step = _ITEM_HEADER.size + -(-length // 8) * 8 if index else length
            if step < _ITEM_HEADER.size or place + step > size:
                raise OSError("a heap of texts is damaged")
            place += step


@contextlib.contextmanager
def create_hdf5(path: str | Path) -> Iterator[h5py.File]:
    """Open a new file for writing; raises ``OSError`` where it could not be written to the end.

    HDF5 2.0 crashes the process when it closes a file on a disk that is full. It is therefore told
    that every write has succeeded, and the first that has not is raised when it has closed the
    file, which is then not a whole one.
    """
    with _PatientFile(path, "w+") as target:
        try:
            with h5py.File(target, "w") as file:
                yield file
        finally:
            if target.failure is not None:  # what HDF5 makes of the missing bytes follows from it
                raise target.failure


class _PatientFile(io.FileIO):
    """A file that keeps the first error of a write to itself, and writes no more."""

    failure: OSError | None = None

    def write(self, content: Any) -> int:
        """Write all of the content where nothing has failed before."""
        view = memoryview(content)
        written = 0
        while self.failure is None and written < len(view):
            try:
                written += super().write(view[written:])
            except OSError as error:
                self.failure = error
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        """Set the size; what follows a failed write has none."""
        return super().truncate(size) if self.failure is None else self.tell()

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer, with zeros for what is not in the file."""
        view = memoryview(buffer)
        filled = 0
        while filled < len(view) and (more := super().readinto(view[filled:])):
            filled += more
        view[filled:] = bytes(len(view) - filled)
        return len(view)

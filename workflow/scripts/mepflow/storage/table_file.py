"""Checks of an HDF5 file of ours before anything is read from it.

A damaged or malicious file can claim terabytes that are not there, or name other files. In our own
files every value is stored plainly: nothing read is larger than the file, and nothing lies
elsewhere. Whatever else there is raises ``ValueError`` with the name and the reason.
"""

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import numpy.typing as npt

_DEPTH: Final = 3
"""Names in the longest path, e.g. ``grids/mk/points``."""
_TEXT_REFERENCE: Final = np.dtype([("length", "<u4"), ("address", "<u8"), ("index", "<u4")])
"""HDF5 stores a text of variable length as its length and its place in a heap of the file."""


def check_file(file: h5py.File) -> None:
    """Check every dataset of a file: raises ``ValueError`` where memory or other files are asked.

    Links that lead elsewhere, values kept in other files, filters (compression), a dataset or texts
    that together exceed the size of the file, and groups in groups in groups are all refused.
    """
    size = file.id.get_filesize()
    claimed = 0
    for name, dataset in _datasets(file, "", _DEPTH):
        _check_storage(name, dataset)
        is_text = h5py.check_string_dtype(dataset.dtype) is not None
        stored = _TEXT_REFERENCE if is_text else dataset.dtype
        claimed += prod(dataset.shape) * stored.itemsize
        if is_text and claimed <= size:
            claimed += _length_of_texts(file, dataset)
        if claimed > size:
            raise ValueError(f"{name} claims more than the {size} bytes of the file")


def _datasets(group: h5py.Group, prefix: str, depth: int) -> Iterator[tuple[str, h5py.Dataset]]:
    for key in group:
        name = f"{prefix}{key}"
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            raise ValueError(f"{name} is a link to another place")
        item = group[key]
        if isinstance(item, h5py.Dataset):
            yield name, item
        elif isinstance(item, h5py.Group) and depth > 1:
            yield from _datasets(item, f"{name}/", depth - 1)
        else:
            raise ValueError(f"{name} is not a dataset")


def _check_storage(name: str, dataset: h5py.Dataset) -> None:
    properties = dataset.id.get_create_plist()
    layouts = (h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED)
    if properties.get_layout() not in layouts or properties.get_external_count():
        raise ValueError(f"{name} is kept in another file")
    if properties.get_nfilters():
        raise ValueError(f"{name} is compressed")
    if dataset.shape is None:
        raise ValueError(f"{name} holds nothing")


def _length_of_texts(file: h5py.File, dataset: h5py.Dataset) -> int:
    """Return the bytes of a dataset's texts, which many references to one text can multiply."""
    if h5py.check_string_dtype(dataset.dtype).length is not None:
        raise ValueError("a text has a fixed length")
    return sum(
        int(np.frombuffer(part, _TEXT_REFERENCE)["length"].sum(dtype=np.int64))
        for part in _raw_parts(file, dataset)
    )


def _raw_parts(file: h5py.File, dataset: h5py.Dataset) -> Iterator[bytes]:
    """Yield what is stored of a dataset of texts: the references, not what they refer to."""
    if dataset.chunks is None:
        place = dataset.id.get_offset()
        if place is not None:
            with Path(file.filename).open("rb") as stored:
                stored.seek(place + file.userblock_size)
                yield stored.read(dataset.size * _TEXT_REFERENCE.itemsize)
        return
    for number in range(dataset.id.get_num_chunks()):
        yield dataset.id.read_direct_chunk(dataset.id.get_chunk_info(number).chunk_offset)[1]


def read_numbers(item: Any, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return a dataset of integers or, for a ``dtype`` of floating point, of any real numbers."""
    kinds = "iuf" if np.dtype(dtype).kind == "f" else "iu"
    if item.dtype.kind not in kinds:
        raise ValueError(f"{item.name} holds {item.dtype}")
    stored = np.asarray(item[()])
    values = stored.astype(dtype)
    if values.dtype.kind != "f" and not np.array_equal(values, stored):
        raise ValueError(f"{item.name} holds numbers out of range")
    return values

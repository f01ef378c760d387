"""Reading HDF5 files of others, which may be damaged or made to do harm.

HDF5 lets a file name other files: links out of it, datasets whose values are kept elsewhere. None
of them is followed. What a dataset claims to be is checked before memory is taken for it, and
whatever is wrong with it is a :class:`RecordError` that names the dataset.
"""

import contextlib
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import numpy.typing as npt

from mepflow.archives.rejected_records import RecordError
from mepflow.errors import InputError
from mepflow.molecules import FloatArray, IntArray
from mepflow.storage.hdf5_file import open_hdf5, read_attribute
from mepflow.storage.unreadable import unreadable

TEXT_LIMIT: Final = 1 << 15
"""Longest text in bytes."""
CHUNK_LIMIT: Final = 1 << 26
"""Largest chunk of a dataset in bytes."""
_CACHE: Final = 1 << 21
"""Most bytes of HDF5's cache of what is where, besides the list of names; it takes several times
that of memory. By default it grows to 32 MB with the number of groups, each of which is read but
once."""
_LARGEST_CACHE: Final = 1 << 25

# What h5py raises where parts of a file are damaged, or of a type that NumPy does not have.
_DAMAGE: Final = (OSError, LookupError, ValueError, TypeError, AttributeError, RuntimeError)


@contextlib.contextmanager
def open_file(path: Path) -> Iterator[h5py.File]:
    """Open a file for reading only; raises :class:`InputError` where it is missing or cut short."""
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_sieve_buf_size(1)  # else up to 64 KiB around what is asked for are read
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(open_hdf5(path, access))
        except _DAMAGE as error:
            if isinstance(error, OSError) and error.filename is not None:  # not of what it holds
                raise unreadable(path, error) from error
            raise InputError(
                f"{path} is no HDF5 file, or it is damaged or cut short ({_one_line(error)}):"
                " fetch it again."
            ) from error
        yield file


def root_links(file: h5py.File) -> dict[bytes, bool]:
    """Return the names in a file, sorted, and whether each is in the file itself (no link out).

    HDF5's cache is bounded for what follows. Raises :class:`InputError` where the file's list of
    names is damaged.
    """
    try:
        links = _links(file)
        _bound_cache(file)
        return links
    except _DAMAGE as error:
        raise InputError(
            f"{file.filename} is damaged ({_one_line(error)}): fetch it again."
        ) from error


def _bound_cache(file: h5py.File) -> None:
    """Keep the cache small, but with room for the list of names: else each look-up reads it all."""
    names = h5py.h5o.get_info(file.id).meta_size.obj.heap_size
    cache = file.id.get_mdc_config()
    cache.max_size = min(_CACHE + names, _LARGEST_CACHE)
    file.id.set_mdc_config(cache)


class SafeGroup:
    """The datasets of one group of a file."""

    def __init__(self, file: h5py.File, name: bytes) -> None:
        with _named("it"):
            group = file[name]
            if not isinstance(group, h5py.Group):
                raise RecordError("it is not a group")
            self._links = _links(group)
        self._group = group

    def __contains__(self, name: str) -> bool:
        return name.encode() in self._links

    def __len__(self) -> int:
        return len(self._links)

    def dataset(self, name: str, kinds: str = "iuf") -> h5py.Dataset:
        """Open a dataset of numbers of these kinds (NumPy's letters), or of texts (``O``)."""
        if not self._links[name.encode()]:
            raise RecordError(f"{name} is a link to another place, which is not followed")
        with _named(name):
            dataset = self._group[name]
            if not isinstance(dataset, h5py.Dataset):
                raise RecordError(f"{name} is not a dataset")
            if dataset.shape is None:
                raise RecordError(f"{name} holds nothing")
            is_text = h5py.check_string_dtype(dataset.dtype) is not None
            if not (is_text if kinds == "O" else dataset.dtype.kind in kinds):
                raise RecordError(f"{name} is of the type {str(dataset.dtype)[:40]}")
            _check_storage(dataset, name)
        return dataset

    def text(self, name: str) -> str:
        """Read a dataset that holds one text, UTF-8."""
        dataset = self.dataset(name, "O")
        if dataset.size != 1 or dataset.dtype.itemsize > TEXT_LIMIT:
            raise RecordError(f"{name} is not one text of up to {TEXT_LIMIT} bytes")
        with _named(name):
            content = np.asarray(dataset[()], dtype=object).ravel()[0]
        if len(content) > TEXT_LIMIT:
            raise RecordError(f"{name} is not one text of up to {TEXT_LIMIT} bytes")
        return _decoded(content, name)


def check_unit(dataset: h5py.Dataset, unit: str, name: str) -> None:
    """Raise :class:`RecordError` where the attribute ``units`` says something else."""
    with _named(name):
        if not h5py.h5a.exists(dataset.id, b"units"):
            return
        attribute = h5py.h5a.open(dataset.id, b"units")
        found = None
        if attribute.get_type().get_size() <= TEXT_LIMIT:
            with contextlib.suppress(ValueError):
                found = read_attribute(dataset, "units")
    if isinstance(found, bytes):
        found = _decoded(found, "its unit")
    if found != unit:
        raise RecordError(f"{name} is in {str(found)[:40]!r} instead of {unit}")


def read_rows(dataset: h5py.Dataset, rows: IntArray, name: str) -> FloatArray:
    """Read these rows, given in rising order, and none of the others."""
    runs = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
    with _named(name), np.errstate(over="ignore"):
        parts = [dataset[run[0] : run[-1] + 1] for run in runs]
        return np.concatenate(parts).astype(float)


def read_all(dataset: h5py.Dataset, name: str) -> npt.NDArray[Any]:
    """Read a dataset whose shape has been checked."""
    with _named(name):
        return np.asarray(dataset[()])


def _links(group: h5py.Group) -> dict[bytes, bool]:
    found: dict[bytes, bool] = {}

    def visit(name: bytes, info: Any) -> None:
        found[name] = info.type == h5py.h5l.TYPE_HARD

    if len(group):
        group.id.links.iterate(visit, info=True)
    return found


def _check_storage(dataset: h5py.Dataset, name: str) -> None:
    properties = dataset.id.get_create_plist()
    layout = properties.get_layout()
    if layout == h5py.h5d.VIRTUAL or properties.get_external_count():
        raise RecordError(f"{name} is kept in another file, which is not read")
    if layout == h5py.h5d.CHUNKED:
        size = prod(properties.get_chunk()) * dataset.dtype.itemsize
        if size > CHUNK_LIMIT:
            raise RecordError(f"{name} is in chunks of {size} bytes")


@contextlib.contextmanager
def _named(name: str) -> Iterator[None]:
    try:
        yield
    except RecordError:
        raise
    except _DAMAGE as error:
        raise RecordError(f"{name} cannot be read: {_one_line(error)}") from error


def _decoded(content: Any, name: str) -> str:
    try:
        return bytes(content).decode("utf-8")
    except UnicodeDecodeError:
        raise RecordError(f"{name} is not UTF-8 text") from None


def _one_line(error: Exception) -> str:
    return ascii(" ".join(str(error).split()))[1:-1][:200]

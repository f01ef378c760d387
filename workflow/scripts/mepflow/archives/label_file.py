"""Files of labels: HDF5 with the datasets of :mod:`mepflow.archives.label_columns`.

=====================================  ======  ==================================================
``/texts/{text}`` (M,)                 UTF-8   of fixed length, one of ``TEXTS``
``/{column}``                          number  one of ``COLUMNS``, by molecule, atom or function
``/atom_offsets``                      i8      (M + 1,) first atom of each molecule
``/function_offsets``                  i8      (M + 1,) first density coefficient of each molecule
``/potentials/{grid}/point_offsets``   i8      (M + 1,) first point of each molecule
``/potentials/{grid}/steps`` (P,)      i2      the potential is ``middle`` + ``step`` × ``steps``
``/potentials/{grid}/middle`` (M,)     f8      hartree/e
``/potentials/{grid}/step`` (M,)       f8      hartree/e
``/potentials/{grid}/checksum`` (M,)   u8      of the points, which follow from the geometry
``/failed/{text}`` (F,)                UTF-8   molecules whose calculation failed, and why
=====================================  ======  ==================================================

Root attributes: ``format``, ``format_version``, and as JSON ``levels`` (rows of
``levels_of_theory``), ``grids`` (rows of ``grids``, by name), ``software``; and ``moments_alone``,
true where the columns ``OF_THE_DENSITY`` are left out. All is compressed.
"""

import json
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

from mepflow.archives.label_columns import FAILED_TEXTS, TEXTS, columns_of
from mepflow.archives.label_set import Column, LabelSet, Potentials
from mepflow.errors import InputError
from mepflow.molecules import IntArray
from mepflow.storage.damage import DAMAGE, reason
from mepflow.storage.files import atomic_path
from mepflow.storage.hdf5_file import create_hdf5, open_hdf5, read_attribute

FORMAT: Final = "mepflow labels"
FORMAT_VERSION: Final = 1
_MOMENTS_ALONE: Final = "moments_alone"
_CHUNK_BYTES: Final = 2**20
_DEFLATE_RATIO: Final = 1100
"""No more than this becomes of a byte that is inflated."""
_FILTERS: Final = {h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE}


def write_labels(path: Path, labels: LabelSet) -> None:
    """Write a file, atomically; the same content gives the same bytes."""
    with atomic_path(path) as temporary, create_hdf5(temporary) as file:
        file.attrs["format"] = FORMAT
        file.attrs["format_version"] = FORMAT_VERSION
        for name in ("levels", "grids", "software"):
            file.attrs[name] = json.dumps(getattr(labels, name), sort_keys=True)
        if labels.moments_alone:
            file.attrs[_MOMENTS_ALONE] = True
        for name, values, attributes in _datasets(labels):
            dataset = _create(file, name, values)
            dataset.attrs.update(attributes)


def _datasets(labels: LabelSet) -> Iterator[tuple[str, Column, dict[str, str]]]:
    for name, description in TEXTS.items():
        yield f"texts/{name}", _encoded(labels.texts[name]), {"description": description}
    yield "atom_offsets", labels.atom_offsets, {"units": "1"}
    yield "function_offsets", labels.function_offsets, {"units": "1"}
    for name, column in labels.catalogue.items():
        described = {"units": column.units, "description": column.description}
        yield name, labels.columns[name].astype(column.dtype), described
    for grid, held in sorted(labels.potentials.items()):
        for name, values in vars(held).items():
            units = "hartree/e" if name in ("middle", "step") else "1"
            yield f"potentials/{grid}/{name}", values, {"units": units}
    for name in FAILED_TEXTS:
        yield f"failed/{name}", _encoded(labels.failed[name]), {}


def _create(file: h5py.File, name: str, values: Column) -> h5py.Dataset:
    if not values.size:
        return file.create_dataset(name, data=values, track_times=False)
    row = max(1, values.itemsize * prod(values.shape[1:]))
    chunk = (min(len(values), max(1, _CHUNK_BYTES // row)), *values.shape[1:])
    return file.create_dataset(
        name, data=values, chunks=chunk, shuffle=True, compression=9, track_times=False
    )


def _encoded(texts: list[str]) -> Column:
    return np.array([text.encode() for text in texts] or np.empty(0, "S1"), dtype="S")


def read_labels(path: Path) -> LabelSet:
    """Read a file; raises :class:`InputError` where it is missing, damaged or of another kind."""
    try:
        with open_hdf5(path) as file:
            if read_attribute(file, "format") != FORMAT:
                raise InputError(f"{path} is not a {FORMAT} file: give another one.")
            if read_attribute(file, "format_version") != FORMAT_VERSION:
                raise InputError(f"{path} is of another version of mepflow: use that one.")
            return _Reader(file).labels()
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: make it with tools/make_labels.py.") from None
    except DAMAGE as error:
        raise InputError(f"{path} is damaged ({reason(error)}): fetch it again.") from error


class _Reader:
    """Reads datasets of a file of others: none may be larger than the file can hold."""

    def __init__(self, file: h5py.File) -> None:
        self._file = file
        self._left = _DEFLATE_RATIO * file.id.get_filesize()

    def labels(self) -> LabelSet:
        """Return the content."""
        texts = {name: self._texts(f"texts/{name}") for name in TEXTS}
        count = len(texts["id"])
        if any(len(column) != count for column in texts.values()):
            raise ValueError("the texts are not as many as the molecules")
        levels, grids, software = (self._json(name) for name in ("levels", "grids", "software"))
        atoms, functions = (self._starts(f"{per}_offsets", count) for per in ("atom", "function"))
        lengths = {"molecule": count, "atom": int(atoms[-1]), "function": int(functions[-1])}
        moments_alone = bool(self._file.attrs.get(_MOMENTS_ALONE, False))
        columns = {
            name: self._numbers(name, column.dtype, (lengths[column.per], *column.shape))
            for name, column in columns_of(len(levels) > 1, moments_alone).items()
        }
        held = {grid: self._potentials(grid, count) for grid in self._file.get("potentials", ())}
        failed = {name: self._texts(f"failed/{name}") for name in FAILED_TEXTS}
        return LabelSet(
            texts, columns, atoms, functions, held, failed, levels, grids, software, moments_alone
        )

    def _potentials(self, grid: str, count: int) -> Potentials:
        prefix = f"potentials/{grid}"
        starts = self._starts(f"{prefix}/point_offsets", count)
        return Potentials(
            starts,
            self._numbers(f"{prefix}/steps", "i2", (int(starts[-1]),)),
            self._numbers(f"{prefix}/middle", "f8", (count,)),
            self._numbers(f"{prefix}/step", "f8", (count,)),
            self._numbers(f"{prefix}/checksum", "u8", (count,)),
        )

    def _starts(self, name: str, count: int) -> IntArray:
        found = self._numbers(name, "i8", (count + 1,))
        if found[0] != 0 or (np.diff(found) < 0).any():
            raise ValueError(f"{name} do not begin at 0 and rise")
        return found

    def _numbers(self, name: str, dtype: str, shape: tuple[int, ...]) -> Column:
        dataset = self._dataset(name)
        if dataset.dtype != np.dtype(dtype) or dataset.shape != shape:
            raise ValueError(f"{name} is not an array of {dtype} {shape}")
        values = np.asarray(dataset[()])
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise ValueError(f"{name} holds what is not a number")
        return values

    def _texts(self, name: str) -> list[str]:
        dataset = self._dataset(name)
        if dataset.dtype.kind != "S" or dataset.ndim != 1:
            raise ValueError(f"{name} is not one column of texts")
        return [text.decode() for text in dataset[()].tolist()]

    def _dataset(self, name: str) -> h5py.Dataset:
        """Return a dataset of this very file after what it claims to hold has been counted."""
        item: Any = self._file
        for part in name.split("/"):
            if not isinstance(item.get(part, getlink=True), h5py.HardLink):
                raise ValueError(f"{name} is missing or a link to another place")
            item = item[part]
        if not isinstance(item, h5py.Dataset) or item.shape is None:
            raise ValueError(f"{name} is not a dataset")
        properties = item.id.get_create_plist()
        filters = {properties.get_filter(k)[0] for k in range(properties.get_nfilters())}
        plain = properties.get_layout() != h5py.h5d.VIRTUAL and not properties.get_external_count()
        if not plain or not filters <= _FILTERS:
            raise ValueError(f"{name} is kept in another file or compressed in an unknown way")
        self._left -= prod(item.shape) * item.dtype.itemsize
        if self._left < 0:
            raise ValueError(f"{name} claims more than the file can hold")
        return item

    def _json(self, name: str) -> Any:
        found = json.loads(read_attribute(self._file, name))
        if not isinstance(found, list if name == "levels" else Mapping) or not found:
            raise ValueError(f"{name} is not what it should be")
        return found

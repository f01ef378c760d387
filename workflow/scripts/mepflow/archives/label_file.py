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
``levels_of_theory``), ``grids`` (rows of ``grids``, by name), ``software``. All is compressed.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import numpy.typing as npt

from mepflow.archives.label_columns import (
    FAILED_TEXTS,
    POSITION_DIGITS,
    TEXTS,
    LabelColumn,
    StoredPotential,
    columns_of,
)
from mepflow.archives.label_points import labelled_points
from mepflow.errors import InputError
from mepflow.molecules import GridValues, Molecule, MoleculeTable
from mepflow.multipoles import centre_of_nuclear_charge, from_components
from mepflow.storage.damage import DAMAGE, reason
from mepflow.storage.files import atomic_path
from mepflow.storage.hdf5_file import create_hdf5, open_hdf5, read_attribute
from mepflow.units import ANGSTROM_IN_BOHR

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Column = npt.NDArray[Any]

FORMAT: Final = "mepflow labels"
FORMAT_VERSION: Final = 1
_CHUNK_BYTES: Final = 2**20
_DEFLATE_RATIO: Final = 1100
"""No more than this becomes of a byte that is inflated."""
_FILTERS: Final = {h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE}
_SHARED_FIELDS: Final = (
    "energy",
    "dipole",
    "homo",
    "lumo",
    "electronic_spatial_extent",
    "mulliken_charges",
)


@dataclass(frozen=True)
class Potentials:
    """Potentials of all molecules on one grid, as they are stored."""

    point_offsets: IntArray
    steps: npt.NDArray[np.int16]
    middle: FloatArray
    step: FloatArray
    checksum: npt.NDArray[np.uint64]


@dataclass(frozen=True)
class LabelSet:
    """The content of a file: ``texts`` and ``columns`` by name, flat, and what they mean."""

    texts: dict[str, list[str]]
    columns: dict[str, Column]
    atom_offsets: IntArray
    function_offsets: IntArray
    potentials: dict[str, Potentials]
    failed: dict[str, list[str]]
    levels: list[dict[str, Any]]
    grids: dict[str, dict[str, Any]]
    software: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.texts["id"])

    @property
    def ids(self) -> list[str]:
        """The molecules' keys."""
        return self.texts["id"]

    @cached_property
    def finished(self) -> frozenset[str]:
        """The keys of all molecules that need no further calculation."""
        return frozenset(self.ids) | frozenset(self.failed["id"])

    def rows(self, column: LabelColumn, index: int) -> slice:
        """Return where a column's rows of the molecule in row ``index`` are."""
        starts = {"atom": self.atom_offsets, "function": self.function_offsets}.get(column.per)
        if starts is None:
            return slice(index, index + 1)
        return slice(int(starts[index]), int(starts[index + 1]))

    def of(self, name: str, index: int) -> Column:
        """Return a column's rows of one molecule (of a column per molecule: its one row)."""
        column = columns_of(len(self.levels) > 1)[name]
        values = self.columns[name][self.rows(column, index)]
        return np.asarray(values[0] if column.per == "molecule" else values)

    def molecule(self, index: int) -> Molecule:
        """Return the molecule in row ``index``, positions in bohr."""
        angstrom = self.of("positions", index) / 10.0**POSITION_DIGITS
        return Molecule(
            self.ids[index],
            self.of("atomic_numbers", index),
            angstrom * ANGSTROM_IN_BOHR,
            int(self.of("charge", index)),
            self.texts["smiles"][index],
        )

    def stored_potential(self, grid: str, index: int) -> StoredPotential:
        """Return the potential of the molecule in row ``index`` as it is stored."""
        held = self.potentials[grid]
        rows = slice(int(held.point_offsets[index]), int(held.point_offsets[index + 1]))
        return StoredPotential(float(held.middle[index]), float(held.step[index]), held.steps[rows])

    def potential(self, grid: str, index: int) -> tuple[FloatArray, FloatArray]:
        """Return points (p, 3) in bohr and the potential (p,) in hartree/e there.

        Raises :class:`InputError` where the points cannot be made again as they were.
        """
        values = self.stored_potential(grid, index).values()
        checksum = int(self.potentials[grid].checksum[index])
        points = labelled_points(
            self.molecule(index), grid, self.grids[grid], len(values), checksum
        )
        return points, values

    def to_table(self, grids: tuple[str, ...] | None = None) -> MoleculeTable:
        """Return multipoles, orbital energies, Mulliken charges and potentials as a table.

        ``grids`` are those whose potential is wanted, all that are stored if None.
        """
        molecules = [self.molecule(index) for index in range(len(self))]
        wanted = tuple(self.potentials) if grids is None else grids
        properties: dict[str, Any] = {
            name: [self.of(name, index) for index in range(len(self))] for name in _SHARED_FIELDS
        }
        properties["quadrupole"] = list(from_components(self.columns["quadrupole"]))
        properties["origin"] = [
            centre_of_nuclear_charge(m.atomic_numbers, m.positions) for m in molecules
        ]
        values = {
            grid: GridValues.from_ragged([self.potential(grid, i) for i in range(len(self))])
            for grid in wanted
        }
        metadata = {"level_of_theory": self.levels[0], "grid_settings": self.grids}
        return MoleculeTable.from_molecules(molecules, properties, values, metadata)


def write_labels(path: Path, labels: LabelSet) -> None:
    """Write a file, atomically; the same content gives the same bytes."""
    with atomic_path(path) as temporary, create_hdf5(temporary) as file:
        file.attrs["format"] = FORMAT
        file.attrs["format_version"] = FORMAT_VERSION
        for name in ("levels", "grids", "software"):
            file.attrs[name] = json.dumps(getattr(labels, name), sort_keys=True)
        for name, values, attributes in _datasets(labels):
            dataset = _create(file, name, values)
            dataset.attrs.update(attributes)


def _datasets(labels: LabelSet) -> Iterator[tuple[str, Column, dict[str, str]]]:
    for name, description in TEXTS.items():
        yield f"texts/{name}", _encoded(labels.texts[name]), {"description": description}
    yield "atom_offsets", labels.atom_offsets, {"units": "1"}
    yield "function_offsets", labels.function_offsets, {"units": "1"}
    for name, column in columns_of(len(labels.levels) > 1).items():
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
        columns = {
            name: self._numbers(name, column.dtype, (lengths[column.per], *column.shape))
            for name, column in columns_of(len(levels) > 1).items()
        }
        held = {grid: self._potentials(grid, count) for grid in self._file.get("potentials", ())}
        failed = {name: self._texts(f"failed/{name}") for name in FAILED_TEXTS}
        return LabelSet(texts, columns, atoms, functions, held, failed, levels, grids, software)

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

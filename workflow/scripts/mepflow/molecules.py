"""Molecules and the one file format that holds them.

A :class:`MoleculeTable` is a table of molecules with ragged per-atom columns stored flat: the atoms
of molecule ``m`` are rows ``atom_offsets[m]:atom_offsets[m + 1]``. On disk it is an HDF5 file:

=================================  =======  ===================================================
``/id`` (M,)                       str      unique key, e.g. ``gdb_000212``
``/smiles`` (M,)                   str      may be empty
``/total_charge`` (M,)             int      e
``/atom_offsets`` (M + 1,)         int      first atom of each molecule, and the number of atoms
``/atomic_numbers`` (N,)           uint8
``/positions`` (N, 3)              float64  bohr, in the archive's frame
``/properties/{field}``            float64  one of :data:`FIELDS`, rows are molecules or atoms
``/texts/{text}`` (M,)             str      one of :data:`TEXTS`, may be empty
``/grids/{grid}/point_offsets``    int      (M + 1,) first point of each molecule
``/grids/{grid}/points`` (P, 3)    float64  bohr
``/grids/{grid}/mep`` (P,)         float64  hartree/e
=================================  =======  ===================================================

Every dataset with a unit carries it in ``attrs["units"]``. Root attributes hold the format's name
and version, the multipoles' origin, and the ``metadata`` of the table (level of theory, software).
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import Any, Final, Self

import h5py
import numpy as np
import numpy.typing as npt

from mepflow.errors import InputError, MissingFileError
from mepflow.fields import FIELDS, TEXTS, Field
from mepflow.multipoles import ORIGIN
from mepflow.storage.damage import DAMAGE, reason
from mepflow.storage.files import atomic_path
from mepflow.storage.hdf5_file import create_hdf5, open_hdf5, read_attribute
from mepflow.storage.table_file import check_file, read_numbers
from mepflow.storage.versions import NewerVersionError, Upgrade, checked_version, upgraded

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

FORMAT: Final = "mepflow molecules"
FORMAT_VERSION: Final = 1
_UPGRADES: Final[Mapping[int, Upgrade]] = {}
"""Steps from earlier versions: from the arguments of a table, by name, to those of the next."""


@dataclass(frozen=True)
class Molecule:
    """One molecule: key, elements (n,), positions (n, 3) in bohr, total charge in e, SMILES."""

    id: str
    atomic_numbers: npt.NDArray[np.uint8]
    positions: FloatArray
    total_charge: int = 0
    smiles: str = ""

    def __len__(self) -> int:
        return len(self.atomic_numbers)


@dataclass(frozen=True)
class GridValues:
    """MEP values (P,) in hartree/e at points (P, 3) in bohr, ragged by molecule."""

    point_offsets: IntArray
    points: FloatArray
    mep: FloatArray

    def of(self, index: int) -> tuple[FloatArray, FloatArray]:
        """Return points (p, 3) and values (p,) of the molecule in row ``index``."""
        rows = slice(self.point_offsets[index], self.point_offsets[index + 1])
        return self.points[rows], self.mep[rows]

    @classmethod
    def from_ragged(cls, parts: Sequence[tuple[FloatArray, FloatArray]]) -> Self:
        """Join one (points, values) pair per molecule; a pair may be empty."""
        return cls(
            offsets([len(values) for _, values in parts]),
            np.concatenate([np.empty((0, 3)), *(points for points, _ in parts)]),
            np.concatenate([np.empty(0), *(values for _, values in parts)]),
        )


def offsets(counts: Iterable[int]) -> IntArray:
    """Return the starts of consecutive runs of the given lengths, and their total at the end."""
    return np.concatenate([[0], np.cumsum(np.fromiter(counts, dtype=np.int64))]).astype(np.int64)


@dataclass(frozen=True)
class Column:
    """One dataset of a file: its name, values, unit (none of texts) and meaning."""

    name: str
    values: npt.NDArray[Any]
    units: str = ""
    description: str = ""
    are_offsets: bool = False
    """Whether the values are :func:`offsets`, with one more row than there are molecules."""

    def describe(self, dataset: h5py.Dataset) -> None:
        """Write the unit and the meaning beside the values."""
        if self.units:
            dataset.attrs["units"] = self.units
        if self.description:
            dataset.attrs["description"] = self.description


@dataclass(frozen=True)
class MoleculeTable:
    """Molecules with :data:`FIELDS`, :data:`TEXTS` and the MEP on named grids."""

    ids: list[str]
    smiles: list[str]
    total_charge: IntArray
    atom_offsets: IntArray
    atomic_numbers: npt.NDArray[np.uint8]
    positions: FloatArray
    properties: dict[str, FloatArray] = field(default_factory=dict)
    grids: dict[str, GridValues] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def __post_init__(self) -> None:
        atoms = int(self.atom_offsets[-1])
        if (len(self.atomic_numbers), len(self.positions)) != (atoms, atoms):
            raise ValueError(f"atomic numbers or positions are not those of {atoms} atoms")
        columns: dict[str, Sized] = {
            "smiles": self.smiles,
            "total_charge": self.total_charge,
            "atom_offsets": self.atom_offsets[1:],
            **self.texts,
        }
        for name, column in columns.items():
            if len(column) != len(self):
                raise ValueError(f"{name} has {len(column)} rows, expected {len(self)}")
        for name, values in self.properties.items():
            rows = len(self) if FIELDS[name].per == "molecule" else atoms
            expected = (rows, *FIELDS[name].shape)
            if values.shape != expected:
                raise ValueError(f"{name} has shape {values.shape}, expected {expected}")

    def atoms(self, index: int) -> slice:
        """Return the slice of the flat atom rows of the molecule in row ``index``."""
        return slice(int(self.atom_offsets[index]), int(self.atom_offsets[index + 1]))

    def molecule(self, index: int) -> Molecule:
        """Return the molecule in row ``index``."""
        rows = self.atoms(index)
        return Molecule(
            self.ids[index],
            self.atomic_numbers[rows],
            self.positions[rows],
            int(self.total_charge[index]),
            self.smiles[index],
        )

    def property_of(self, name: str, index: int) -> FloatArray:
        """Return property ``name`` of the molecule in row ``index`` (per atom: all its atoms)."""
        rows = index if FIELDS[name].per == "molecule" else self.atoms(index)
        return np.asarray(self.properties[name][rows])

    @classmethod
    def from_molecules(
        cls,
        molecules: Sequence[Molecule],
        properties: Mapping[str, Sequence[npt.ArrayLike]] | None = None,
        grids: dict[str, GridValues] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> Self:
        """Build a table; ``properties`` has one entry per molecule, whatever its rows are."""
        flat = {name: _flatten(FIELDS[name], values) for name, values in (properties or {}).items()}
        return cls(
            [m.id for m in molecules],
            [m.smiles for m in molecules],
            np.array([m.total_charge for m in molecules], dtype=np.int64),
            offsets([len(m) for m in molecules]),
            np.concatenate([np.empty(0, np.uint8), *(m.atomic_numbers for m in molecules)]).astype(
                np.uint8
            ),
            np.concatenate([np.empty((0, 3)), *(m.positions for m in molecules)]),
            flat,
            grids or {},
            metadata or {},
        )

    def select(self, indices: Sequence[int] | IntArray) -> Self:
        """Return the rows ``indices``, in that order, as a new table."""
        indices = np.asarray(indices, dtype=np.int64)
        rows = _expand(self.atom_offsets, indices)
        counts = np.diff(self.atom_offsets)[indices]
        properties = {
            name: values[indices if FIELDS[name].per == "molecule" else rows]
            for name, values in self.properties.items()
        }
        return replace(
            self,
            ids=[self.ids[i] for i in indices],
            smiles=[self.smiles[i] for i in indices],
            total_charge=self.total_charge[indices],
            atom_offsets=offsets(counts),
            atomic_numbers=self.atomic_numbers[rows],
            positions=self.positions[rows],
            properties=properties,
            grids={
                name: GridValues.from_ragged([grid.of(int(i)) for i in indices])
                for name, grid in self.grids.items()
            },
            texts={name: [column[i] for i in indices] for name, column in self.texts.items()},
        )

    def sorted_by_id(self) -> Self:
        """Return the table in the order of the ids: what no archive's order can change."""
        return self.select(np.argsort(np.array(self.ids), kind="stable"))

    def with_properties(self, **properties: FloatArray) -> Self:
        """Return the table with these flat columns added or replaced."""
        return replace(self, properties={**self.properties, **properties})

    def with_texts(self, **texts: list[str]) -> Self:
        """Return the table with these text columns added or replaced."""
        return replace(self, texts={**self.texts, **texts})

    @classmethod
    def concatenate(cls, tables: Sequence[Self]) -> Self:
        """Join tables with the same columns, texts and grids.

        Their metadata are merged key by key; where two differ in a value, the first's is kept.
        """
        if not tables:
            raise ValueError("no tables to join")
        first = tables[0]
        return replace(
            first,
            ids=[i for t in tables for i in t.ids],
            smiles=[s for t in tables for s in t.smiles],
            total_charge=np.concatenate([t.total_charge for t in tables]),
            atom_offsets=offsets(np.concatenate([np.diff(t.atom_offsets) for t in tables])),
            atomic_numbers=np.concatenate([t.atomic_numbers for t in tables]),
            positions=np.concatenate([t.positions for t in tables]),
            properties={
                name: np.concatenate([t.properties[name] for t in tables])
                for name in first.properties
            },
            grids={
                name: GridValues(
                    offsets(np.concatenate([np.diff(t.grids[name].point_offsets) for t in tables])),
                    np.concatenate([t.grids[name].points for t in tables]),
                    np.concatenate([t.grids[name].mep for t in tables]),
                )
                for name in first.grids
            },
            metadata=reduce(merged_metadata, (t.metadata for t in tables)),
            texts={name: [text for t in tables for text in t.texts[name]] for name in first.texts},
        )

    def columns(self) -> Iterator[Column]:
        """Yield every dataset of the file format, in the order in which they are written."""
        yield Column("id", _as_texts(self.ids))
        yield Column("smiles", _as_texts(self.smiles))
        yield Column("total_charge", self.total_charge, "e")
        yield Column("atom_offsets", self.atom_offsets, "1", are_offsets=True)
        yield Column("atomic_numbers", self.atomic_numbers, "1")
        yield Column("positions", self.positions, "bohr")
        for name, values in self.properties.items():
            yield Column(f"properties/{name}", values, FIELDS[name].units, FIELDS[name].description)
        for name, column in self.texts.items():
            yield Column(f"texts/{name}", _as_texts(column), description=TEXTS[name])
        for name, grid in self.grids.items():
            starts = grid.point_offsets
            yield Column(f"grids/{name}/point_offsets", starts, "1", are_offsets=True)
            yield Column(f"grids/{name}/points", grid.points, "bohr")
            yield Column(f"grids/{name}/mep", grid.mep, "hartree/e")

    def save(self, path: str | Path) -> None:
        """Write the table to an HDF5 file, atomically."""
        with atomic_path(path) as temporary, create_hdf5(temporary) as file:
            write_header(file, self.metadata)
            for column in self.columns():
                column.describe(file.create_dataset(column.name, data=column.values))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a table of this or an earlier version of the format.

        Raises :class:`InputError` where the file is missing, newer or not one of ours.
        """
        try:
            with open_hdf5(path) as file:
                if read_attribute(file, "format") != FORMAT:
                    raise InputError(f"{path} is not a {FORMAT} file: make it again.")
                return cls._read(file)
        except FileNotFoundError:
            raise MissingFileError(path) from None
        except NewerVersionError as error:
            raise InputError(
                f"{path} is newer than this program ({error}): use the mepflow that wrote it."
            ) from error
        except DAMAGE as error:
            text = f"{path} is damaged ({reason(error)}): delete it and run again."
            raise InputError(text) from error

    @classmethod
    def _read(cls, file: h5py.File) -> Self:
        version = checked_version(_version_of(file), _UPGRADES, FORMAT_VERSION)
        check_file(file)
        table = cls(**upgraded(cls._columns_of(file), version, _UPGRADES, FORMAT_VERSION))
        table._check_rows()
        return table

    @staticmethod
    def _columns_of(file: h5py.File) -> dict[str, Any]:
        """Return the arguments of the table that a file holds, in whatever version it is."""
        properties = file.get("properties", {})
        return {
            "ids": _read_texts(file["id"]),
            "smiles": _read_texts(file["smiles"]),
            "total_charge": read_numbers(file["total_charge"], np.int64),
            "atom_offsets": read_numbers(file["atom_offsets"], np.int64),
            "atomic_numbers": read_numbers(file["atomic_numbers"], np.uint8),
            "positions": read_numbers(file["positions"], np.float64),
            "properties": {name: read_numbers(item, float) for name, item in properties.items()},
            "grids": {
                name: GridValues(
                    read_numbers(group["point_offsets"], np.int64),
                    read_numbers(group["points"], np.float64),
                    read_numbers(group["mep"], np.float64),
                )
                for name, group in file.get("grids", {}).items()
            },
            "metadata": dict(json.loads(read_attribute(file, "metadata"))),
            "texts": {name: _read_texts(item) for name, item in file.get("texts", {}).items()},
        }

    def _check_rows(self) -> None:
        """Raise ``ValueError`` where a file's rows cannot be those of its molecules."""
        if self.positions.shape[1:] != (3,) or not np.isfinite(self.positions).all():
            raise ValueError("positions are not three finite numbers per atom")
        if unknown := set(self.texts) - set(TEXTS):
            raise ValueError(f"there is no text {min(unknown)}")
        starts = {"atom_offsets": (self.atom_offsets, len(self.positions))}
        for name, grid in self.grids.items():
            if grid.points.shape != (grid.mep.size, 3) or grid.mep.ndim != 1:
                raise ValueError(f"points and values of grid {name} do not agree")
            starts[f"point_offsets of grid {name}"] = (grid.point_offsets, len(grid.mep))
        for name, (column, end) in starts.items():
            if column.shape != (len(self) + 1,) or column[0] != 0 or column[-1] != end:
                raise ValueError(f"{name} do not begin at 0 and end at {end}")
            if (column[1:] < column[:-1]).any():
                raise ValueError(f"{name} do not rise")


def _version_of(file: h5py.File) -> int:
    version = read_attribute(file, "format_version")
    if not isinstance(version, np.integer | int):
        raise ValueError("it does not tell the version of its format")
    return int(version)


def write_header(file: h5py.File, metadata: Mapping[str, Any]) -> None:
    """Write the root attributes of the file format."""
    file.attrs["format"] = FORMAT
    file.attrs["format_version"] = FORMAT_VERSION
    file.attrs["multipole_origin"] = ORIGIN
    file.attrs["metadata"] = json.dumps(metadata, sort_keys=True)


def merged_metadata(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return both, key by key; where they differ in a value, that of ``one``."""
    both = {
        key: merged_metadata(value, other[key])
        for key, value in one.items()
        if isinstance(value, Mapping) and isinstance(other.get(key), Mapping)
    }
    return {**other, **one, **both}


def _as_texts(column: list[str]) -> npt.NDArray[Any]:
    return np.array(column, dtype=h5py.string_dtype())


def _read_texts(dataset: h5py.Dataset) -> list[str]:
    if dataset.ndim != 1:
        raise ValueError(f"{dataset.name} is not one column of texts")
    return [str(value) for value in dataset.asstr()[()]]


def _flatten(spec: Field, values: Sequence[npt.ArrayLike]) -> FloatArray:
    if spec.per == "molecule":
        return np.array(values, dtype=float).reshape(len(values), *spec.shape)
    rows = [np.asarray(value, dtype=float).reshape(-1, *spec.shape) for value in values]
    return np.concatenate([np.empty((0, *spec.shape)), *rows])


def _expand(starts: IntArray, indices: IntArray) -> IntArray:
    """Return the flat rows of the runs ``indices``, in that order."""
    counts = np.diff(starts)[indices]
    first = np.repeat(starts[indices] - offsets(counts)[:-1], counts)
    return np.asarray(first + np.arange(counts.sum()), dtype=np.int64)

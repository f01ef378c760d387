"""Molecules, and tables of them with ragged columns stored flat.

The atoms of molecule ``m`` are rows ``atom_offsets[m]:atom_offsets[m + 1]`` of the columns per
atom. How a table lies on a disk stands in :mod:`mepflow.storage.molecule_file`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from mepflow.fields import FIELDS, TEXTS, Field
from mepflow.storage.molecule_file import Column, open_molecules, text_values, write_molecules

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


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
        yield Column("id", text_values(self.ids))
        yield Column("smiles", text_values(self.smiles))
        yield Column("total_charge", self.total_charge, "e")
        yield Column("atom_offsets", self.atom_offsets, "1", are_offsets=True)
        yield Column("atomic_numbers", self.atomic_numbers, "1")
        yield Column("positions", self.positions, "bohr")
        for name, values in self.properties.items():
            yield Column(f"properties/{name}", values, FIELDS[name].units, FIELDS[name].description)
        for name, column in self.texts.items():
            yield Column(f"texts/{name}", text_values(column), description=TEXTS[name])
        for name, grid in self.grids.items():
            starts = grid.point_offsets
            yield Column(f"grids/{name}/point_offsets", starts, "1", are_offsets=True)
            yield Column(f"grids/{name}/points", grid.points, "bohr")
            yield Column(f"grids/{name}/mep", grid.mep, "hartree/e")

    def save(self, path: str | Path) -> None:
        """Write the table to an HDF5 file, atomically."""
        write_molecules(path, self.columns(), self.metadata)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a table of this or an earlier version of the format.

        Raises :class:`InputError` where the file is missing, newer or not one of ours.
        """
        with open_molecules(path) as content:
            grids = {name: GridValues(*arrays) for name, arrays in content["grids"].items()}
            return cls(**{**content, "grids": grids})


def merged_metadata(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return both, key by key; where they differ in a value, that of ``one``."""
    both = {
        key: merged_metadata(value, other[key])
        for key, value in one.items()
        if isinstance(value, Mapping) and isinstance(other.get(key), Mapping)
    }
    return {**other, **one, **both}


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

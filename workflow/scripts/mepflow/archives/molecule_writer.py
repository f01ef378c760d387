"""Writing a molecule table that does not fit into memory: block by block into one file."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import h5py

from mepflow.molecules import MoleculeTable, merged_metadata
from mepflow.storage.files import atomic_path
from mepflow.storage.hdf5_file import create_hdf5
from mepflow.storage.molecule_file import Column, write_header

_CHUNK_BYTES: Final = 1 << 18
"""Largest chunk of a dataset; a quarter of HDF5's default cache of chunks."""


class MoleculeWriter:
    """Appends tables with the same columns to one open file; :func:`open_writer` makes it."""

    def __init__(self, file: h5py.File) -> None:
        self._file = file
        self._metadata: dict[str, Any] = {}
        self._names: list[str] = []

    def append(self, table: MoleculeTable) -> None:
        """Write the rows of a table after those written so far.

        Raises ``ValueError`` where its columns are not those of the first one.
        """
        columns = list(table.columns())
        names = [column.name for column in columns]
        if not self._names:
            self._names = names
            for column in columns:
                self._create(column)
        elif names != self._names:
            differing = sorted(set(names).symmetric_difference(self._names)) or names
            raise ValueError(f"a block differs from the first one in {', '.join(differing)}")
        else:
            for column in columns:
                self._extend(column)
        self._metadata = merged_metadata(self._metadata, table.metadata)

    def finish(self) -> None:
        """Write what describes the whole; raises ``ValueError`` where there was no table."""
        if not self._names:
            raise ValueError("no tables to join")
        write_header(self._file, self._metadata)

    def _create(self, column: Column) -> None:
        values = column.values
        row_bytes = values[:1].nbytes or values.dtype.itemsize
        chunk_rows = max(1, min(len(values), _CHUNK_BYTES // row_bytes))
        dataset = self._file.create_dataset(
            column.name,
            data=values,
            maxshape=(None, *values.shape[1:]),
            chunks=(chunk_rows, *values.shape[1:]),
        )
        column.describe(dataset)

    def _extend(self, column: Column) -> None:
        dataset = self._file[column.name]
        values = column.values[1:] + dataset[-1] if column.are_offsets else column.values
        rows = len(dataset)
        dataset.resize(rows + len(values), axis=0)
        dataset[rows:] = values


@contextlib.contextmanager
def open_writer(path: str | Path) -> Iterator[MoleculeWriter]:
    """Give a writer; the file is at ``path`` when the block succeeds, and nothing where it raises.

    It holds what :meth:`MoleculeTable.save` of all the tables joined would have written.
    """
    with atomic_path(path) as temporary, create_hdf5(temporary) as file:
        writer = MoleculeWriter(file)
        yield writer
        writer.finish()

"""The archive of QM9 as one molecule table and a list of the records that were rejected."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from tqdm import tqdm

from mepflow.archives.molecule_writer import open_writer
from mepflow.archives.qm9 import COLUMNS, SUFFIX, Record, gdb_id, read_records
from mepflow.archives.record_file import RecordFile, open_record_file
from mepflow.archives.rejected_records import Rejected, nothing_left, write_rejected
from mepflow.errors import InputError
from mepflow.molecules import IntArray, Molecule, MoleculeTable
from mepflow.units import ANGSTROM_IN_BOHR, E_BOHR_IN_DEBYE

logger = logging.getLogger(__name__)

_ADVICE: Final = "check that it is the archive of QM9"

_LOG_INTERVAL: Final = 10_000
_BLOCK: Final = 2_000
"""Molecules that are in memory at a time, some 10 MB."""


def read_archive(
    archive: Path, table_path: Path, rejected_path: Path, expected_records: int | None = None
) -> None:
    """Write the molecules of an archive, in the order of their keys, and what was rejected.

    The table has the ``archive_*`` fields and texts of :mod:`mepflow.molecules`; its SMILES are
    those of the relaxed geometries. The CSV has the columns record, id, reason. A key that occurs
    twice with the same content counts once; with different contents no record of it is kept, for
    the first one in the archive is no better than the second. Neither file depends on the
    archive's order. The records wait on disk, beside the table, until all have been seen: what is
    in memory at a time is a few thousand, whatever the size of the archive.

    Raises :class:`InputError` where the archive is damaged, holds no readable record, or holds
    another number of records than ``expected_records``; it writes nothing then.
    """
    with open_record_file(table_path.parent) as records:
        rejected = _read(archive, records, expected_records)
        repeated, rows = _resolve_repeated(records)
        rejected += repeated
        rejected.sort(key=lambda entry: (entry.record, entry.reason))
        if not len(rows):
            raise InputError(nothing_left(archive, rejected, f"{SUFFIX} record", _ADVICE))
        with open_writer(table_path) as writer:
            for first in range(0, len(rows), _BLOCK):
                block = [records.read(row) for row in rows[first : first + _BLOCK].tolist()]
                writer.append(_table(block, archive))
            write_rejected(rejected, rejected_path)
    logger.info("%s: %d molecules, %d records rejected", archive, len(rows), len(rejected))


def _read(archive: Path, records: RecordFile, expected: int | None) -> list[Rejected]:
    """Put the readable records of an archive aside; return the others."""
    rejected: list[Rejected] = []
    bar = tqdm(read_records(archive), total=expected, unit=" records", disable=None)
    for count, item in enumerate(bar, start=1):
        if isinstance(item, Record):
            records.append(item)
        else:
            rejected.append(item)
        if count % _LOG_INTERVAL == 0:
            logger.info("%s: %d records read, %d rejected", archive, count, len(rejected))
        if expected is not None and count > expected:
            # However many there are: they would fill the disk.
            raise InputError(f"{archive} holds more than {expected} records: fetch it again.")
    total = len(rejected) + len(records)
    if expected is not None and total != expected:
        raise InputError(f"{archive} holds {total} records instead of {expected}: fetch it again.")
    return rejected


def _resolve_repeated(records: RecordFile) -> tuple[list[Rejected], IntArray]:
    """Return the rejected repetitions, and the rows to keep in the order of their keys."""
    numbers = records.numbers
    order = np.argsort(numbers, kind="stable")
    starts = np.flatnonzero(np.diff(numbers[order], prepend=0))  # keys count from 1
    counts = np.diff(starts, append=len(order))
    rejected: list[Rejected] = []
    is_kept = np.ones(len(starts), dtype=bool)
    for key in np.flatnonzero(counts > 1).tolist():
        rows = order[starts[key] : starts[key] + counts[key]].tolist()
        sources, digests = zip(*sorted(_origin(records.read(row)) for row in rows), strict=True)
        is_kept[key] = len(set(digests)) == 1
        contents = "the same content: one is kept"
        if not is_kept[key]:
            contents = "different contents: none is kept"
        number = int(numbers[rows[0]])
        reason = f"gdb {number} occurs {len(rows)} times with {contents}"
        left_out = sources[1:] if is_kept[key] else sources
        rejected += [Rejected(source, gdb_id(number), reason) for source in left_out]
    return rejected, order[starts[is_kept]]


def _origin(record: Record) -> tuple[str, bytes]:
    return record.source, record.digest


def _table(records: Sequence[Record], archive: Path) -> MoleculeTable:
    """Return these records in atomic units."""
    molecules = [
        Molecule(
            gdb_id(record.number),
            np.array(record.atomic_numbers, dtype=np.uint8),
            record.positions * ANGSTROM_IN_BOHR,
            smiles=record.relaxed_smiles,
        )
        for record in records
    ]
    columns = np.array([record.properties for record in records]).T
    value = dict(zip(COLUMNS, columns, strict=True))
    table = MoleculeTable.from_molecules(molecules, metadata={"archive": archive.name})
    return table.with_properties(
        archive_dipole_norm=value["mu"] / E_BOHR_IN_DEBYE,
        archive_energy=value["U0"] - value["zpve"],
        archive_homo=value["homo"],
        archive_lumo=value["lumo"],
        archive_spatial_extent=value["r2"],
        archive_polarizability=value["alpha"],
        archive_mulliken_charges=np.concatenate([record.mulliken_charges for record in records]),
    ).with_texts(
        archive_smiles=[record.archive_smiles for record in records],
        archive_inchi=[record.archive_inchi for record in records],
        relaxed_inchi=[record.relaxed_inchi for record in records],
    )

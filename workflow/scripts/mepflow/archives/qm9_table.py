"""The archive of QM9 as one molecule table and a list of the records that were rejected."""

import logging
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from tqdm import tqdm

from mepflow.archives.qm9 import COLUMNS, SUFFIX, Record, gdb_id, read_records
from mepflow.archives.records import Rejected
from mepflow.errors import InputError
from mepflow.files import atomic_path
from mepflow.molecule_writer import open_writer
from mepflow.molecules import MoleculeTable, offsets
from mepflow.units import ANGSTROM_IN_BOHR, E_BOHR_IN_DEBYE

logger = logging.getLogger(__name__)

_LOG_INTERVAL: Final = 10_000
_WRITTEN_AT_ONCE: Final = 10_000


def read_archive(
    archive: Path, table_path: Path, rejected_path: Path, expected_records: int | None = None
) -> None:
    """Write the molecules of an archive, in the order of their keys, and what was rejected.

    The table has the ``archive_*`` fields and texts of :mod:`mepflow.molecules`; its SMILES are
    those of the relaxed geometries. The CSV has the columns record, id, reason. A key that occurs
    twice with the same content counts once; with different contents no record of it is kept, for
    the first one in the archive is no better than the second. Neither file depends on the
    archive's order. Raises :class:`InputError` where the archive is damaged, holds no readable
    record, or holds another number of records than ``expected_records``; it writes nothing then.
    """
    columns = _Columns()
    rejected: list[Rejected] = []
    bar = tqdm(read_records(archive), total=expected_records, unit=" records", disable=None)
    for count, item in enumerate(bar, start=1):
        if isinstance(item, Record):
            columns.append(item)
        else:
            rejected.append(item)
        if count % _LOG_INTERVAL == 0:
            logger.info("%s: %d records read, %d rejected", archive, count, len(rejected))
        if expected_records is not None and count > expected_records:
            # However many there are: they would fill the memory.
            raise InputError(
                f"{archive} holds more than {expected_records} records: fetch it again."
            )
    total = len(rejected) + len(columns.numbers)
    if expected_records is not None and total != expected_records:
        raise InputError(
            f"{archive} holds {total} records instead of {expected_records}: fetch it again."
        )
    repeated, rows = columns.resolve_repeated()
    rejected += repeated
    if not rows:
        raise InputError(_nothing_left(archive, rejected))
    table = columns.table({"archive": archive.name})
    rejected.sort(key=lambda entry: (entry.record, entry.reason))
    logger.info("%s: %d molecules, %d records rejected", archive, len(rows), len(rejected))
    with atomic_path(rejected_path) as temporary:
        frame = pd.DataFrame(rejected, columns=["record", "id", "reason"])
        frame.to_csv(temporary, index=False)
    with open_writer(table_path) as writer:  # in the order of the keys, without a second copy
        for first in range(0, len(rows), _WRITTEN_AT_ONCE):
            writer.append(table.select(rows[first : first + _WRITTEN_AT_ONCE]))


def _nothing_left(archive: Path, rejected: list[Rejected]) -> str:
    if not rejected:
        return f"{archive} holds no {SUFFIX} file: check that it is the archive of QM9."
    first = min(rejected, key=lambda entry: entry.record)
    return (
        f"{archive} holds no readable record, all {len(rejected)} were rejected, the first one"
        f" ({first.record}) because {first.reason}: check that it is the archive of QM9."
    )


@dataclass
class _Columns:
    """The molecules read so far, flat: a tenth of the memory of as many Python objects."""

    numbers: list[int] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    atom_counts: list[int] = field(default_factory=list)
    atomic_numbers: bytearray = field(default_factory=bytearray)
    positions: bytearray = field(default_factory=bytearray)
    charges: bytearray = field(default_factory=bytearray)
    properties: bytearray = field(default_factory=bytearray)
    smiles: list[str] = field(default_factory=list)
    texts: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def append(self, record: Record) -> None:
        self.numbers.append(record.number)
        self.sources.append(record.source)
        self.digests.append(record.digest)
        self.atom_counts.append(len(record.atomic_numbers))
        self.atomic_numbers += bytes(record.atomic_numbers)
        self.positions += (record.positions * ANGSTROM_IN_BOHR).tobytes()
        self.charges += record.mulliken_charges.tobytes()
        self.properties += record.properties.tobytes()
        self.smiles.append(record.relaxed_smiles)
        self.texts["archive_smiles"].append(record.archive_smiles)
        self.texts["archive_inchi"].append(record.archive_inchi)
        self.texts["relaxed_inchi"].append(record.relaxed_inchi)

    def resolve_repeated(self) -> tuple[list[Rejected], list[int]]:
        """Return the rejected repetitions, and the rows to keep in the order of their keys."""
        rows_of: dict[int, list[int]] = defaultdict(list)
        for row, number in enumerate(self.numbers):
            rows_of[number].append(row)
        rejected, kept = [], []
        for number, rows in sorted(rows_of.items()):
            rows.sort(key=lambda row: self.sources[row])
            same = len({self.digests[row] for row in rows}) == 1
            kept += rows[:1] if same else []
            contents = (
                "the same content: one is kept" if same else "different contents: none is kept"
            )
            reason = f"gdb {number} occurs {len(rows)} times with {contents}"
            rejected += [
                Rejected(self.sources[row], gdb_id(number), reason)
                for row in (rows[1:] if same else rows)
            ]
        return rejected, kept

    def table(self, metadata: dict[str, Any]) -> MoleculeTable:
        """Return all rows, in atomic units."""
        columns = np.frombuffer(self.properties).reshape(-1, len(COLUMNS)).T
        value = dict(zip(COLUMNS, columns, strict=True))
        return MoleculeTable(
            [gdb_id(number) for number in self.numbers],
            self.smiles,
            np.zeros(len(self.numbers), dtype=np.int64),
            offsets(self.atom_counts),
            np.frombuffer(self.atomic_numbers, dtype=np.uint8),
            np.frombuffer(self.positions).reshape(-1, 3),
            {
                "archive_dipole_norm": value["mu"] / E_BOHR_IN_DEBYE,
                "archive_energy": value["U0"] - value["zpve"],
                "archive_homo": value["homo"],
                "archive_lumo": value["lumo"],
                "archive_spatial_extent": value["r2"],
                "archive_polarizability": value["alpha"],
                "archive_mulliken_charges": np.frombuffer(self.charges),
            },
            metadata=metadata,
            texts=dict(self.texts),
        )

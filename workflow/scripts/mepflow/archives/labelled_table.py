"""A published reference as the molecule table of an archive, and what was rejected of it.

It is a table that a run of mepflow has written, or a file of labels
(:mod:`mepflow.archives.label_file`).
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from mepflow.archives.label_archive import failed_molecules, reference_of_labels
from mepflow.archives.label_file import FORMAT as LABELS
from mepflow.archives.label_file import read_labels
from mepflow.archives.labelled import (
    COLUMN_OF_LABEL,
    as_archive,
    usable_rows,
    with_archive_columns,
)
from mepflow.archives.rejected_records import Rejected, nothing_left, write_rejected
from mepflow.errors import ConfigError, InputError
from mepflow.molecules import MoleculeTable
from mepflow.storage.damage import DAMAGE, reason
from mepflow.storage.hdf5_file import open_hdf5, read_attribute
from mepflow.storage.unreadable import check_readable

logger = logging.getLogger(__name__)

_ADVICE: Final = "check that it is a reference of mepflow"

Row = Mapping[str, Any]
_NOT_PHYSICS: Final = ("name", "backend")
"""What of a level of theory does not decide a number."""
_NOT_PLACES: Final = ("molecules",)
"""What of a grid does not decide where its points are."""


def read_archive(
    archive: Path,
    table_path: Path,
    rejected_path: Path,
    expected_records: int | None = None,
    labels: Sequence[str] = (),
    level: Row | None = None,
    grids: Mapping[str, Row] | None = None,
) -> None:
    """Write the molecules of a reference with its labels as ``archive_*``, and what was rejected.

    ``labels`` are names of :data:`~mepflow.archives.labelled.COLUMN_OF_LABEL`, or ``mep``, that the
    file must hold. ``level`` is the row of the level of theory that it must be of (None: of any);
    ``grids`` are the rows of the grids whose potentials are taken. The CSV has the columns record,
    id, reason.

    Raises :class:`InputError` where the file is damaged, lacks a label or a grid, or holds no
    usable row or another number of rows than ``expected_records``, and :class:`ConfigError` where
    it is of another level, or a grid lies elsewhere; it writes nothing then.
    """
    reference, rejected = read_reference(archive, level, grids or {})
    if expected_records is not None and len(reference) != expected_records:
        raise InputError(
            f"{archive} holds {len(reference)} molecules instead of {expected_records}: fetch it"
            " again, or correct `records` of the archive."
        )
    reference = with_archive_columns(reference)
    columns = [COLUMN_OF_LABEL[name] for name in labels if name in COLUMN_OF_LABEL]
    if missing := [name for name in columns if name not in reference.properties]:
        raise InputError(
            f"{archive} has no {missing[0]}: correct `labels` of the archive, or fetch it again."
        )
    kept, unusable = usable_rows(reference, columns)
    rejected += unusable
    if not kept:
        raise InputError(nothing_left(archive, rejected, "molecule", _ADVICE))
    table = as_archive(reference.select(kept), list(grids or {}))
    table = replace(table, metadata={**reference.metadata, "archive": archive.name})
    write_rejected(rejected, rejected_path)
    table.save(table_path)
    logger.info("%s: %d molecules taken, %d rejected", archive, len(kept), len(rejected))


def read_reference(
    archive: Path, level: Row | None, grids: Mapping[str, Row]
) -> tuple[MoleculeTable, list[Rejected]]:
    """Return the table of a file of either format, and the molecules that failed in it.

    Its level and grids are checked first, as :func:`read_archive` says: the points of a set of
    labels are made from their rows.
    """
    if _format(archive) != LABELS:
        table = MoleculeTable.load(archive)
        _check_level(table.metadata.get("level_of_theory"), level, archive)
        _check_grids(table.grids, table.metadata.get("grid_settings"), grids, archive)
        return table, []
    labels = read_labels(archive)
    _check_level(labels.levels[0] if labels.levels else None, level, archive)
    _check_grids(labels.potentials, labels.grids, grids, archive)
    return reference_of_labels(labels, list(grids), archive), failed_molecules(labels)


def _format(archive: Path) -> Any:
    """Return what a file says it is, None where it says nothing; raises :class:`InputError`."""
    check_readable(archive)
    try:
        with open_hdf5(archive) as file:
            return read_attribute(file, "format")
    except DAMAGE as error:
        raise InputError(
            f"{archive} is no HDF5 file, or it is damaged or cut short ({reason(error)}): make or"
            " fetch it again."
        ) from error


def _check_level(found: Any, level: Row | None, archive: Path) -> None:
    if level is None:
        return
    if not isinstance(found, Mapping):
        raise InputError(f"{archive} does not say its level of theory: set labels to computed.")
    if differing := _differing(found, level, _NOT_PHYSICS):
        key = differing[0]
        raise ConfigError(
            f"{archive} is of another level of theory than the dataset's level_of_theory: its"
            f" {_shown(key)} is {_shown(found.get(key))}, not"
            f" {_shown(level.get(key))}; name the file's own level."
        )


def _check_grids(
    there: Collection[str], settings: Any, grids: Mapping[str, Row], archive: Path
) -> None:
    known = settings if isinstance(settings, Mapping) else {}
    for name, row in grids.items():
        if name not in there or not isinstance(known.get(name), Mapping):
            names = ", ".join(map(_shown, sorted(there))) or "none"
            raise InputError(
                f"{archive} has no potential on the grid {name} (it has {names}): take it out of"
                " the dataset's grids, or set labels to computed."
            )
        if differing := _differing(known[name], row, _NOT_PLACES):
            key = differing[0]
            raise ConfigError(
                f"{archive}: the {_shown(key)} of its grid {name} is"
                f" {_shown(known[name].get(key))}, not {_shown(row.get(key))}; give the dataset a"
                " grid with the file's own settings."
            )


def _differing(found: Row, wanted: Row, ignored: Sequence[str]) -> list[str]:
    """Return the keys, sorted, in which two rows differ, but for the ignored ones."""
    keys = sorted({*found, *wanted} - {*ignored})
    return [key for key in keys if found.get(key) != wanted.get(key)]


def _shown(value: Any) -> str:
    return ascii(value)[:60]

"""Labels of many molecules by any number of processes, each of which may be killed at any moment.

A work folder holds a journal per process and a small file per molecule. Who computes a molecule
holds a lock on its file, which goes with the process; a finished one says so in it. A journal
belongs to who holds the lock beside it: the next process goes on with one that has been left.
"""

import contextlib
import fcntl
import json
import logging
import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from pyscf import lib

from mepflow.archives.label_geometries import LabelGeometry
from mepflow.qm.label_calculation import LabelSettings, Record, label_record
from mepflow.storage.journal import Journal

log = logging.getLogger(__name__)

JOURNAL_VERSION: Final = 1
MOST_PROCESSES: Final = 1000
_FINISHED: Final = "finished"


def compute_labels(
    geometries: Sequence[LabelGeometry],
    settings: LabelSettings,
    work: Path,
    finished: Collection[str],
    memory_megabyte: int,
) -> int:
    """Compute in their order the molecules that are neither ``finished`` (ids) nor claimed.

    Returns how many this process has computed. Each goes into a journal in ``work`` when it is
    done, with its geometry and the level's settings; one that fails goes there with the reason.
    """
    computed = 0
    lib.param.TMPDIR = str(work)  # integrals that do not fit into the memory
    with own_journal(work) as journal:
        for geometry in geometries:
            if geometry.id in finished:
                continue
            with claim(work, geometry.id) as claimed:
                if claimed is None:
                    continue
                record = label_record(geometry.molecule(), settings, memory_megabyte)
                journal.append(record | _identity(geometry, settings))
                claimed.write(_FINISHED)
                computed += 1
                _report(geometry, record)
    return computed


def read_journals(work: Path) -> list[Record]:
    """Return the records of all journals of a work folder, while they may still be written."""
    records: list[Record] = []
    for path in sorted(work.glob("*.journal")):
        with tempfile.TemporaryDirectory() as folder:
            # Reading cuts a record that is being written, so a copy is read.
            records += Journal(shutil.copy(path, folder)).read()
    return records


@contextlib.contextmanager
def own_journal(work: Path) -> Iterator[Journal]:
    """Give the first journal of the folder that no other process has."""
    work.mkdir(parents=True, exist_ok=True)
    for number in range(MOST_PROCESSES):
        with (work / f"{number}.lock").open("a") as lock:
            if _is_locked_by_us(lock):
                journal = Journal(work / f"{number}.journal")
                journal.read()  # cuts what a kill has left
                yield journal
                return
    raise RuntimeError(f"{MOST_PROCESSES} processes compute labels in {work}")


@contextlib.contextmanager
def claim(work: Path, identifier: str) -> Iterator[IO[str] | None]:
    """Give the file of a molecule to write into, or None where it is finished or another's."""
    folder = work / "claims"
    folder.mkdir(exist_ok=True)
    with (folder / identifier).open("a+") as file:
        file.seek(0)
        yield file if _is_locked_by_us(file) and not file.read() else None


def _is_locked_by_us(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _identity(geometry: LabelGeometry, settings: LabelSettings) -> Record:
    """Return what says of which molecule, how and in which format a record is."""
    levels = [vars(level) for level in (settings.level, settings.second_level) if level]
    texts: dict[str, Any] = {
        "geometry": geometry.to_line(),
        "levels": json.dumps(levels, sort_keys=True),
        "grids": json.dumps({name: dict(row) for name, row in settings.grids.items()}),
    }
    return {
        "format_version": np.array(JOURNAL_VERSION),
        **{name: np.array(text) for name, text in texts.items()},
    }


def _report(geometry: LabelGeometry, record: Record) -> None:
    seconds = float(record["cpu_seconds"])
    what = f"{geometry.id} {geometry.texts['smiles']}"
    if "failure" in record:
        log.warning("%s failed after %.0f CPU s: %s", what, seconds, record["failure"])
    else:
        log.info("%s: %d functions, %.0f CPU s", what, record["functions"], seconds)

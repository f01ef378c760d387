"""A shard: every n-th molecule of the candidates, computed in one job that can be killed.

Finished molecules go one by one into a journal in the shard's state folder, which the workflow does
not delete; a shard that starts again takes from it every molecule whose geometry, level of theory,
grids and code are unchanged.
"""

import hashlib
import json
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import pyscf
from tqdm.auto import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from mepflow import __version__
from mepflow.geometry.grids import picture_metadata
from mepflow.molecules import GridValues, Molecule, MoleculeTable
from mepflow.qm.levels import LevelOfTheory
from mepflow.qm.reference_record import Record, record_fields, reference_record
from mepflow.qm.scf import MEMORY_MEGABYTE
from mepflow.qm.wanted_grids import wanted_grids
from mepflow.selection.splits import rows_in_split
from mepflow.storage.journal import Journal

log = logging.getLogger(__name__)

JOURNAL_NAME: Final = "molecules.journal"


def compute_shard(
    *,
    candidates: Path,
    splits: Path,
    output: Path,
    state_folder: Path,
    shard: int,
    shards: int,
    split: str | None,
    level: LevelOfTheory,
    grids: Mapping[str, Mapping[str, Any]],
    code: str,
    gradients: bool = False,
    threads: int = 1,
    memory_megabyte: int = MEMORY_MEGABYTE,
) -> None:
    """Compute the molecules ``shard, shard + shards, …`` of the candidates and write their table.

    With ``split`` only the candidates of that split count, with None all of them.
    ``grids`` maps names to rows of the configuration, whose ``molecules`` (all, test, showcase)
    says for which molecules a grid is computed. ``code`` identifies the code that decides the
    numbers: a molecule finished under another one is computed again. With ``gradients`` those of
    the energy are computed, too. ``memory_megabyte`` is what the job may use.
    """
    table = MoleculeTable.load(candidates)
    rows = np.arange(len(table)) if split is None else rows_in_split(table.ids, splits, split)
    mine = table.select(rows[shard::shards])
    wanted = wanted_grids(splits, mine.ids, grids)
    journal = Journal(state_folder / JOURNAL_NAME)
    finished = {str(record["fingerprint"]): record for record in journal.read()}
    records = []
    started = time.perf_counter()
    log.info("Shard %d of %d: %d molecules at %s", shard + 1, shards, len(mine), level.name)
    with logging_redirect_tqdm():
        for row in tqdm(range(len(mine)), desc=output.stem, unit="molecule", disable=None):
            molecule = mine.molecule(row)
            fingerprint = _fingerprint(molecule, level, wanted[row], gradients, code)
            record = finished.get(fingerprint)
            if record is None:
                record = reference_record(
                    molecule, level, wanted[row], threads, memory_megabyte, gradient=gradients
                )
                record["fingerprint"] = np.array(fingerprint)
                journal.append(record)
            records.append(record)
            _report(row + 1, len(mine), molecule, record, fingerprint in finished)
    fields = record_fields(gradient=gradients)
    _assemble(mine, records, fields, level, grids, wanted).save(output)
    log.info("Shard %d done in %.0f s", shard + 1, time.perf_counter() - started)


def _fingerprint(
    molecule: Molecule, level: LevelOfTheory, grids: Mapping[str, Any], gradients: bool, code: str
) -> str:
    digest = hashlib.sha256()
    settings = [molecule.id, molecule.total_charge, repr(level), grids, gradients, code]
    digest.update(json.dumps(settings, sort_keys=True).encode())
    digest.update(molecule.atomic_numbers.tobytes())
    digest.update(molecule.positions.tobytes())
    return digest.hexdigest()


def _report(count: int, total: int, molecule: Molecule, record: Record, reused: bool) -> None:
    if reused:
        log.info("%d/%d %s: finished before", count, total, molecule.id)
        return
    log.info(
        "%d/%d %s: %d atoms, %d cycles, %.1f s%s",
        count,
        total,
        molecule.id,
        len(molecule),
        int(record["scf_cycles"]),
        float(record["wall_time"]),
        f", FAILED: {record['failure']}" if str(record["failure"]) else "",
    )


def _assemble(
    table: MoleculeTable,
    records: Sequence[Record],
    fields: Sequence[str],
    level: LevelOfTheory,
    grids: Mapping[str, Mapping[str, Any]],
    wanted: Sequence[Mapping[str, Mapping[str, Any]]],
) -> MoleculeTable:
    """Join the records to a table that keeps the archive's own columns."""
    molecules = [table.molecule(row) for row in range(len(table))]
    empty = (np.empty((0, 3)), np.empty(0))
    values = {
        name: GridValues.from_ragged(
            [
                (record[f"points/{name}"], record[f"mep/{name}"])
                if f"points/{name}" in record
                else empty
                for record in records
            ]
        )
        for name in grids
    }
    pictures = {name: _pictures(name, row, molecules, wanted) for name, row in grids.items()}
    computed = MoleculeTable.from_molecules(
        molecules,
        {name: [record[name] for record in records] for name in fields},
        values,
        {
            "level_of_theory": vars(level),
            "grids": {name: described for name, described in pictures.items() if described},
            "grid_settings": {name: dict(row) for name, row in grids.items()},
            "software": {
                "mepflow": __version__,
                "pyscf": pyscf.__version__,
                "h5py": h5py.__version__,
            },
        },
    )
    return computed.with_properties(**table.properties).with_texts(
        **table.texts, failure=[str(record["failure"]) for record in records]
    )


def _pictures(
    name: str,
    row: Mapping[str, Any],
    molecules: Sequence[Molecule],
    wanted: Sequence[Mapping[str, Mapping[str, Any]]],
) -> dict[str, dict[str, Any]]:
    """Return how a grid for pictures lies around each molecule that has it; empty for others."""
    described = {
        molecule.id: picture_metadata(row, molecule.atomic_numbers, molecule.positions)
        for molecule, own in zip(molecules, wanted, strict=True)
        if name in own
    }
    return {key: value for key, value in described.items() if value is not None}

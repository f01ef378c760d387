"""The reference of a dataset: its shards joined with its candidates, and the last filters.

Where the labels are computed, every candidate was, and the reference is what the shards hold. Where
they are the archive's, the shards hold the test molecules alone: the reference then has every
candidate with the archive's dipole and quadrupole, as far as it has them, and what was computed
(the MEP among it) in the rows of the test molecules; other rows are nan there, and their grids have
no points. An archive that holds the potentials, too, leaves nothing to compute: there are no shards
then.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from mepflow.errors import StateError
from mepflow.fields import FIELDS
from mepflow.molecules import GridValues, MoleculeTable
from mepflow.multipoles import centre_of_nuclear_charge
from mepflow.qm.stored_reference import (
    published_reference,
    stored_reference,
    with_stored_potentials,
)
from mepflow.selection.filters import filters_after_reference
from mepflow.selection.splits import read_splits
from mepflow.selection.verdicts import (
    KEPT,
    funnel,
    judge,
    kept_rows,
    read_funnel,
    read_verdicts,
    repeated_ids,
)
from mepflow.storage.csv_file import write_csv

FloatArray = npt.NDArray[np.float64]

_MULTIPOLES: Final = {"dipole": "archive_dipole", "quadrupole": "archive_quadrupole"}
"""Labels that are compared with predictions, and the archive's columns that can give them."""


def collect_reference(
    *,
    shard_paths: Sequence[Path],
    candidates_path: Path,
    splits_path: Path,
    candidate_verdicts_path: Path,
    candidate_funnel_path: Path,
    computed_split: str | None,
    stored: MoleculeTable | None,
    published: MoleculeTable | None = None,
    grids: Mapping[str, Mapping[str, Any]],
    dipole_tolerance_debye: float | None,
    reference_path: Path,
    computed_path: Path,
    verdicts_path: Path,
    funnel_path: Path,
) -> None:
    """Write the molecules that pass all filters, those of them that were computed, all verdicts.

    The verdicts and the funnel of the candidates are what
    :func:`mepflow.selection.filters.select_candidates` wrote; ``computed_split`` is the split that
    the shards hold, or None where they hold every candidate. Without any shard, the values of
    ``published`` are taken or, without it, the archive's own, on ``grids`` where these are wanted.
    ``stored`` has potentials of molecules that were not computed. Raises :class:`StateError` where
    the shards do not hold exactly those molecules, and :class:`InputError` where none is left, or
    ``published`` or ``stored`` has another geometry.
    """
    before = read_verdicts(candidate_verdicts_path)
    expected = list(before.loc[before["verdict"] == KEPT, "id"])
    if computed_split is not None:
        split_of = read_splits(splits_path, expected).set_index("id")["split"]
        expected = [key for key in expected if split_of[key] == computed_split]
    if shard_paths:
        computed = MoleculeTable.concatenate([MoleculeTable.load(path) for path in shard_paths])
    else:
        candidates = _rows_of(MoleculeTable.load(candidates_path), expected)
        computed = _without_shards(candidates, published, splits_path, grids)
    computed = computed.sorted_by_id()
    filters = filters_after_reference(computed, dipole_tolerance_debye)
    verdicts = merge_verdicts(before, judge(computed.ids, filters), expected)
    kept = kept_rows(computed, verdicts, candidate_verdicts_path)
    computed = computed.select(kept)
    reference = computed
    if computed_split is not None:
        candidates = MoleculeTable.load(candidates_path).sorted_by_id()
        rows = kept_rows(candidates, verdicts, candidate_verdicts_path)
        candidates = candidates.select(rows)
        reference = with_archive_labels(candidates, computed)
        if not shard_paths and published is None:
            # Grids of all molecules, which models learn from, are not of the computed split alone.
            own = stored_reference(candidates, splits_path, grids)
            reference = replace(reference, grids=own.grids)
        if stored is not None:
            reference = with_stored_potentials(reference, stored)
    steps = [*read_funnel(candidate_funnel_path)["step"][1:], *filters]
    write_csv(verdicts, verdicts_path)
    write_csv(funnel(verdicts, steps), funnel_path)
    computed.save(computed_path)
    reference.save(reference_path)


def _without_shards(
    candidates: MoleculeTable,
    published: MoleculeTable | None,
    splits: Path,
    grids: Mapping[str, Mapping[str, Any]],
) -> MoleculeTable:
    """Return what a published table, or else the archive itself, says of the candidates."""
    if published is None:
        return stored_reference(candidates, splits, grids)
    return published_reference(candidates, published, splits, grids)


def _rows_of(table: MoleculeTable, ids: Collection[str]) -> MoleculeTable:
    wanted = set(ids)
    return table.select([row for row, key in enumerate(table.ids) if key in wanted])


def merge_verdicts(
    before: pd.DataFrame, after: pd.DataFrame, expected: Sequence[str]
) -> pd.DataFrame:
    """Return the verdicts ``after`` on the ``expected`` molecules, and ``before`` on the others.

    Raises :class:`StateError` where ``after`` does not judge exactly the expected ones.
    """
    judged = list(after["id"])
    if wrong := sorted(set(expected).symmetric_difference(judged)) or repeated_ids(judged):
        raise StateError(
            f"The reference shards are not those of the candidates ({wrong[0]} is missing, foreign"
            " or repeated): run the reference again."
        )
    others = before[~before["id"].isin(judged)]
    return pd.concat([others, after]).sort_values("id", ignore_index=True)


def with_archive_labels(candidates: MoleculeTable, computed: MoleculeTable) -> MoleculeTable:
    """Return the candidates with the archive's multipoles as labels and what was computed.

    Every molecule of ``computed`` must be a candidate. Columns of it that the candidates lack are
    nan (an empty text, no grid points) in the rows of other candidates; so are the multipoles where
    the archive has none. Its other labels keep their names, such as ``archive_mulliken_charges``.
    """
    row_of = {key: row for row, key in enumerate(computed.ids)}
    rows = np.array([row_of.get(key, -1) for key in candidates.ids], dtype=np.int64)
    columns = {
        name: _spread(name, values, rows, candidates, computed)
        for name, values in computed.properties.items()
        if name not in candidates.properties
    }
    columns |= {
        name: candidates.properties[archive]
        for name, archive in _MULTIPOLES.items()
        if archive in candidates.properties
    }
    columns["origin"] = _origins(candidates)
    texts = {
        name: [column[row] if row >= 0 else "" for row in rows]
        for name, column in computed.texts.items()
        if name not in candidates.texts
    }
    nothing = (np.empty((0, 3)), np.empty(0))
    return replace(
        candidates.with_properties(**columns).with_texts(**texts),
        grids={
            name: GridValues.from_ragged(
                [grid.of(int(row)) if row >= 0 else nothing for row in rows]
            )
            for name, grid in computed.grids.items()
        },
        metadata={**computed.metadata, **candidates.metadata},
    )


def _spread(
    name: str,
    values: FloatArray,
    rows: npt.NDArray[np.int64],
    candidates: MoleculeTable,
    computed: MoleculeTable,
) -> FloatArray:
    """Return a computed column in the rows of the candidates, nan where nothing was computed."""
    if FIELDS[name].per == "molecule":
        spread = np.full((len(candidates), *values.shape[1:]), np.nan)
        spread[rows >= 0] = values[rows[rows >= 0]]
        return spread
    spread = np.full((len(candidates.positions), *values.shape[1:]), np.nan)
    for target in np.flatnonzero(rows >= 0):
        spread[candidates.atoms(int(target))] = values[computed.atoms(int(rows[target]))]
    return spread


def _origins(table: MoleculeTable) -> FloatArray:
    molecules = (table.molecule(row) for row in range(len(table)))
    return np.array([centre_of_nuclear_charge(m.atomic_numbers, m.positions) for m in molecules])

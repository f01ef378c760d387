"""Records of finished calculations, added to the labels of a file."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from mepflow.archives.label_columns import (
    FAILED_TEXTS,
    POSITION_DIGITS,
    SECOND_LEVEL,
    TEXTS,
    LabelColumn,
    StoredPotential,
    columns_of,
)
from mepflow.archives.label_geometries import LabelGeometry, geometry_of_row
from mepflow.archives.label_set import LabelSet, Potentials
from mepflow.errors import InputError
from mepflow.molecules import offsets
from mepflow.multipoles import components

Record = Mapping[str, npt.NDArray[Any]]

_MATRICES: Final = ("quadrupole", SECOND_LEVEL + "quadrupole")
_POTENTIAL: Final = "mep/"
_CHECKSUM: Final = "points_checksum/"


@dataclass(frozen=True)
class _Row:
    """What a file holds of one molecule, as it is stored."""

    texts: dict[str, str]
    columns: dict[str, npt.NDArray[Any]]
    potentials: dict[str, tuple[StoredPotential, int]]


def with_records(labels: LabelSet, records: Iterable[Record]) -> LabelSet:
    """Return the labels with those of ``records`` whose molecules are not among them yet.

    Molecules are in the order of their ids. One that failed counts as finished; one that failed
    once and was computed another time is not among the failed. Raises :class:`InputError` where a
    record was computed at another level or on other grids.
    """
    rows = {row.texts["id"]: row for row in _stored_rows(labels)}
    failed = dict(zip(labels.failed["id"], zip(*labels.failed.values(), strict=True), strict=True))
    for record in records:
        geometry = geometry_of_row(json.loads(str(record["geometry"])))
        _require_same_settings(labels, record, geometry.id)
        if "failure" in record:
            reason = str(record["failure"])
            failed.setdefault(geometry.id, (geometry.id, geometry.texts["smiles"], reason))
        elif geometry.id not in rows:
            rows[geometry.id] = _computed(geometry, record, labels.catalogue)
    lost = [failed[key] for key in sorted(failed) if key not in rows]
    return _joined(labels, [rows[key] for key in sorted(rows)], lost)


def no_labels(
    levels: Sequence[Mapping[str, Any]],
    grids: Mapping[str, Mapping[str, Any]],
    second_grids: Sequence[str],
    software: Mapping[str, str],
    moments_alone: bool = False,
) -> LabelSet:
    """Return a set without molecules; ``second_grids`` are those of the second level."""
    rows = {name: dict(row) for name, row in grids.items()}
    rows |= {SECOND_LEVEL + name: dict(grids[name]) for name in second_grids}
    none = np.empty(0)
    empty = Potentials(offsets([]), none.astype(np.int16), none, none, none.astype(np.uint64))
    columns = {
        name: np.empty((0, *column.shape), column.dtype)
        for name, column in columns_of(len(levels) > 1, moments_alone).items()
    }
    return LabelSet(
        {name: [] for name in TEXTS},
        columns,
        offsets([]),
        offsets([]),
        dict.fromkeys(rows, empty),
        {name: [] for name in FAILED_TEXTS},
        [dict(level) for level in levels],
        rows,
        dict(software),
        moments_alone,
    )


def _require_same_settings(labels: LabelSet, record: Record, identifier: str) -> None:
    levels, grids = (json.loads(str(record[name])) for name in ("levels", "grids"))
    known = {name: labels.grids.get(name) for name in grids}
    if levels != labels.levels or grids != known:
        raise InputError(
            f"{identifier} was computed at another level of theory or on other grids than the"
            " file's: pack it into another file."
        )


def _stored_rows(labels: LabelSet) -> Iterator[_Row]:
    for index in range(len(labels)):
        yield _stored(labels, index)


def _stored(labels: LabelSet, index: int) -> _Row:
    columns = {
        name: labels.columns[name][labels.rows(column, index)]
        for name, column in labels.catalogue.items()
    }
    potentials = {
        grid: (labels.stored_potential(grid, index), int(held.checksum[index]))
        for grid, held in labels.potentials.items()
    }
    return _Row({name: labels.texts[name][index] for name in TEXTS}, columns, potentials)


def _computed(
    geometry: LabelGeometry, record: Record, catalogue: Mapping[str, LabelColumn]
) -> _Row:
    texts = {**geometry.texts, "groups": json.dumps(geometry.groups)}
    values: dict[str, Any] = {
        **record,
        **{name: components(record[name]) for name in _MATRICES if name in record},
        "charge": geometry.charge,
        "atomic_numbers": geometry.atomic_numbers,
        "positions": _whole_positions(geometry),
    }
    columns = {
        name: np.asarray(values[name]).reshape(-1, *column.shape).astype(column.dtype)
        for name, column in catalogue.items()
    }
    potentials = {}
    for key, potential in record.items():
        if key.startswith(_POTENTIAL):
            grid = key.removeprefix(_POTENTIAL)
            checksum = int(record[_CHECKSUM + grid.removeprefix(SECOND_LEVEL)])
            potentials[grid] = (StoredPotential.of(potential), checksum)
    return _Row({name: texts[name] for name in TEXTS}, columns, potentials)


def _whole_positions(geometry: LabelGeometry) -> npt.NDArray[np.int32]:
    scaled = geometry.positions_angstrom * 10.0**POSITION_DIGITS
    whole = np.rint(scaled).astype(np.int32)
    if (whole / 10.0**POSITION_DIGITS != geometry.positions_angstrom).any():
        raise InputError(
            f"{geometry.id}: its positions have more than {POSITION_DIGITS} decimals: round them"
            " before anything is computed."
        )
    return whole


def _joined(labels: LabelSet, rows: Sequence[_Row], failed: Sequence[tuple[str, ...]]) -> LabelSet:
    columns = {
        name: np.concatenate([empty[:0], *(row.columns[name] for row in rows)])
        for name, empty in labels.columns.items()
    }
    return LabelSet(
        {name: [row.texts[name] for row in rows] for name in TEXTS},
        columns,
        offsets([len(row.columns["atomic_numbers"]) for row in rows]),
        offsets([len(row.columns.get("density_coefficients", ())) for row in rows]),
        {grid: _joined_potentials([row.potentials[grid] for row in rows]) for grid in labels.grids},
        {name: [texts[k] for texts in failed] for k, name in enumerate(FAILED_TEXTS)},
        labels.levels,
        labels.grids,
        labels.software,
        labels.moments_alone,
    )


def _joined_potentials(stored: Sequence[tuple[StoredPotential, int]]) -> Potentials:
    return Potentials(
        offsets([len(potential.steps) for potential, _ in stored]),
        np.concatenate([np.empty(0, np.int16), *(potential.steps for potential, _ in stored)]),
        np.array([potential.middle for potential, _ in stored], dtype=np.float64),
        np.array([potential.step for potential, _ in stored], dtype=np.float64),
        np.array([checksum for _, checksum in stored], dtype=np.uint64),
    )

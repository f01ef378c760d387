"""Values of archives and of files beside them in the place of those that shards would hold."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from mepflow.archives.labelled import COLUMN_OF_RESULT
from mepflow.errors import InputError
from mepflow.fields import FIELDS
from mepflow.molecules import GridValues, Molecule, MoleculeTable
from mepflow.qm.wanted_grids import wanted_grids

_SAME_PLACE_BOHR: Final = 1e-5
"""Files of labels round positions; this moves a potential by less than its stored step."""
_NOT_PUBLISHED: Final = "the published reference lacks it"


def stored_reference(
    candidates: MoleculeTable, splits: Path, grids: Mapping[str, Mapping[str, Any]]
) -> MoleculeTable:
    """Return candidates with the archive's values as results, and its MEP where it is wanted.

    A molecule without a point on a grid where its MEP is wanted counts as one whose calculation
    failed, with the reason.
    """
    wanted = wanted_grids(splits, candidates.ids, grids)
    failures = [_missing(candidates, row, list(own)) for row, own in enumerate(wanted)]
    results = {
        name: candidates.properties[column]
        for name, column in COLUMN_OF_RESULT.items()
        if column in candidates.properties
    }
    results["scf_converged"] = np.array([not failure for failure in failures], dtype=float)
    values = _wanted_values(candidates, candidates.ids, wanted, list(grids))
    return replace(candidates.with_properties(**results).with_texts(failure=failures), grids=values)


def published_reference(
    candidates: MoleculeTable,
    published: MoleculeTable,
    splits: Path,
    grids: Mapping[str, Mapping[str, Any]],
) -> MoleculeTable:
    """Return candidates with the results of a published table, and its MEP where it is wanted.

    Molecules are the same where their ids are. One that the table lacks, or whose MEP it lacks on a
    grid where that is wanted, counts as one whose calculation failed, with the reason. Raises
    :class:`InputError` where one has another geometry, or other elements, in ``published``.
    """
    row_of = {key: row for row, key in enumerate(published.ids)}
    is_there = np.array([key in row_of for key in candidates.ids], dtype=bool)
    found = published.select([row_of[key] for key in candidates.ids if key in row_of])
    _check_all_same(candidates.select(np.flatnonzero(is_there)), found)
    wanted = wanted_grids(splits, candidates.ids, grids)
    failures = [_NOT_PUBLISHED] * len(candidates)
    for own, row in enumerate(np.flatnonzero(is_there).tolist()):
        failures[row] = _missing(found, own, list(wanted[row]))
    columns = _spread_results(found, candidates, is_there)
    columns["scf_converged"] = np.array([not failure for failure in failures], dtype=float)
    return replace(
        candidates.with_properties(**columns).with_texts(failure=failures),
        grids=_wanted_values(found, candidates.ids, wanted, list(grids)),
        metadata={**published.metadata, **candidates.metadata},
    )


def _spread_results(
    found: MoleculeTable, candidates: MoleculeTable, is_there: npt.NDArray[np.bool_]
) -> dict[str, npt.NDArray[np.float64]]:
    """Return the results of ``found``, nan in the rows of candidates that are not there."""
    rows_of = {"molecule": is_there, "atom": np.repeat(is_there, np.diff(candidates.atom_offsets))}
    columns = {}
    for name, values in found.properties.items():
        if name.startswith("archive_"):
            continue
        rows = rows_of[FIELDS[name].per]
        columns[name] = np.full((len(rows), *FIELDS[name].shape), np.nan)
        columns[name][rows] = values
    return columns


def _wanted_values(
    found: MoleculeTable,
    ids: Sequence[str],
    wanted: Sequence[Mapping[str, Any]],
    names: Sequence[str],
) -> dict[str, GridValues]:
    """Return the values of ``found`` on the grids wanted for each of ``ids``, by name."""
    row_of = {key: row for row, key in enumerate(found.ids)}
    nothing = (np.empty((0, 3)), np.empty(0))
    return {
        name: GridValues.from_ragged(
            [
                found.grids[name].of(row_of[key]) if name in own and key in row_of else nothing
                for key, own in zip(ids, wanted, strict=True)
            ]
        )
        for name in names
    }


def with_stored_potentials(reference: MoleculeTable, stored: MoleculeTable) -> MoleculeTable:
    """Return the reference with stored potentials where a molecule has no point on their grid.

    Molecules are the same where their ids are. Raises :class:`InputError` where one has another
    geometry, or other elements, in ``stored``.
    """
    row_of = {key: row for row, key in enumerate(stored.ids)}
    rows = [row_of.get(key) for key in reference.ids]
    for own, other in enumerate(rows):
        if other is not None:
            _check_same(reference.molecule(own), stored.molecule(other))
    grids = dict(reference.grids)
    for name, values in stored.grids.items():
        parts = [reference.grids[name].of(own) for own in range(len(reference))]
        grids[name] = GridValues.from_ragged(
            [
                part if len(part[1]) or other is None else values.of(other)
                for part, other in zip(parts, rows, strict=True)
            ]
        )
    return replace(reference, grids=grids)


def _check_all_same(molecules: MoleculeTable, others: MoleculeTable) -> None:
    """Raise as :func:`_check_same` does for the first pair of rows that are not the same."""
    same_atoms = np.array_equal(molecules.atom_offsets, others.atom_offsets)
    if same_atoms and np.array_equal(molecules.atomic_numbers, others.atomic_numbers):
        moved = np.abs(molecules.positions - others.positions).max(initial=0.0)
        if moved <= _SAME_PLACE_BOHR:
            return
    for row in range(len(molecules)):
        _check_same(molecules.molecule(row), others.molecule(row))


def _check_same(molecule: Molecule, other: Molecule) -> None:
    is_same = np.array_equal(molecule.atomic_numbers, other.atomic_numbers) and np.allclose(
        molecule.positions, other.positions, rtol=0, atol=_SAME_PLACE_BOHR
    )
    if not is_same:
        raise InputError(
            f"{molecule.id} has another geometry in the file beside its archive: correct"
            " `potentials` or `reference` in config/archives.yaml, or take it out."
        )


def _missing(candidates: MoleculeTable, row: int, wanted: Sequence[str]) -> str:
    """Return what an archive lacks of a molecule's potentials, or an empty text."""
    for name in wanted:
        values = candidates.grids[name].of(row)[1]
        if not len(values):
            return f"the archive has no potential of it on the grid {name}"
        if not np.isfinite(values).all():
            return f"the archive's potential of it on the grid {name} is not finite"
    return ""

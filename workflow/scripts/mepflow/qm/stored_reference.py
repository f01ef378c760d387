"""Values of archives and of files beside them in the place of those that shards would hold."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from mepflow.archives.labelled import COLUMN_OF_RESULT
from mepflow.errors import InputError
from mepflow.molecules import GridValues, Molecule, MoleculeTable
from mepflow.qm.wanted_grids import wanted_grids

_SAME_PLACE_BOHR: Final = 1e-5
"""Files of labels round positions; this moves a potential by less than its stored step."""


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
    nothing = (np.empty((0, 3)), np.empty(0))
    values = {
        name: GridValues.from_ragged(
            [
                candidates.grids[name].of(row) if name in own else nothing
                for row, own in enumerate(wanted)
            ]
        )
        for name in grids
    }
    return replace(candidates.with_properties(**results).with_texts(failure=failures), grids=values)


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


def _check_same(molecule: Molecule, other: Molecule) -> None:
    is_same = np.array_equal(molecule.atomic_numbers, other.atomic_numbers) and np.allclose(
        molecule.positions, other.positions, rtol=0, atol=_SAME_PLACE_BOHR
    )
    if not is_same:
        raise InputError(
            f"{molecule.id} has another geometry in the file of potentials beside its archive:"
            " correct `potentials` in config/archives.yaml, or take it out."
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

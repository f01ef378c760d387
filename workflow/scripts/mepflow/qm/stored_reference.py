"""A reference without any calculation: an archive's own values in the place of those of shards."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mepflow.archives.labelled import COLUMN_OF_RESULT
from mepflow.molecules import GridValues, MoleculeTable
from mepflow.qm.wanted_grids import wanted_grids


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


def _missing(candidates: MoleculeTable, row: int, wanted: Sequence[str]) -> str:
    """Return what an archive lacks of a molecule's potentials, or an empty text."""
    for name in wanted:
        values = candidates.grids[name].of(row)[1]
        if not len(values):
            return f"the archive has no potential of it on the grid {name}"
        if not np.isfinite(values).all():
            return f"the archive's potential of it on the grid {name} is not finite"
    return ""

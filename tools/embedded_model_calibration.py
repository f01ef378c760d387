"""What the spread of the embedded model's seeds says about errors, from its validation molecules.

The potential of each validation molecule is computed at the labels' level, with its multipoles,
one by one into a journal: a calculation that was stopped goes on. Test molecules are those of the
default run.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from mepflow.evaluation.calibration import CALIBRATION_FILE
from mepflow.evaluation.ensemble_errors import ensemble_errors, write_calibrations
from mepflow.molecules import MoleculeTable
from mepflow.qm.levels import LevelOfTheory
from mepflow.qm.reference_record import PROPERTIES
from mepflow.qm.shards import compute_shard
from mepflow.selection.splits import TEST, VALIDATION, rows_in_split
from mepflow.storage.csv_file import write_csv
from mepflow.tables.uncertainty_table import uncertainty_table

log = logging.getLogger("mepflow.make_embedded_model")

GRID: Final = "mk"
ERRORS_FILE: Final = "uncertainty.csv"
"""Beside the calibration: error and spread of each validation and test molecule."""


def compute_validation(
    tables: Sequence[MoleculeTable],
    splits: Path,
    expected: Collection[str],
    level: LevelOfTheory,
    grid: Mapping[str, Any],
    work: Path,
    code: str,
) -> Path:
    """Compute the validation molecules among ``tables``; return the file of their reference.

    Raises :class:`SystemExit` where they are not the ``expected`` ids, those of the models.
    """
    bare = [replace(one, properties={}, grids={}, texts={}) for one in tables]
    molecules = MoleculeTable.concatenate(bare)
    molecules = molecules.select(rows_in_split(molecules.ids, splits, VALIDATION))
    if set(molecules.ids) != set(expected):
        raise SystemExit("the validation molecules are not those that the models were trained with")
    candidates, output = work / "validation-candidates.h5", work / "validation.h5"
    molecules.save(candidates)
    compute_shard(
        candidates=candidates,
        splits=splits,
        output=output,
        state_folder=work / "validation",
        shard=0,
        shards=1,
        split=None,
        level=level,
        grids={GRID: {**grid, "molecules": VALIDATION}},
        code=code,
    )
    return output


def calibrate(
    models: Sequence[Path], validation: Path, reference: Path, splits: Path, folder: Path
) -> None:
    """Write errors and calibration of ``models`` into ``folder``.

    ``reference`` holds the test molecules, at least.
    """
    computed, tested = MoleculeTable.load(validation), MoleculeTable.load(reference)
    computed = computed.select(np.flatnonzero(computed.properties["scf_converged"] == 1.0))
    tested = tested.select(rows_in_split(tested.ids, splits, TEST))
    table = MoleculeTable.concatenate([_on_the_grid(computed), _on_the_grid(tested)])
    errors = ensemble_errors(models, table, splits, GRID, {}, "cpu")
    write_csv(errors, folder / ERRORS_FILE)
    write_calibrations(errors, folder / CALIBRATION_FILE)
    log.info("calibrated on %d molecules", len(computed))


def _on_the_grid(table: MoleculeTable) -> MoleculeTable:
    """Return the table with what all tables have."""
    properties = {name: table.properties[name] for name in PROPERTIES}
    return replace(table, properties=properties, texts={}, grids={GRID: table.grids[GRID]})


def coverage_table(folder: Path) -> pd.DataFrame:
    """Return how errors of the test molecules compare with what is expected, by quantity."""
    return uncertainty_table([""], [folder / ERRORS_FILE], [folder / CALIBRATION_FILE])

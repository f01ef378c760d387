"""The log of a training, ``training.csv``: one row per validation."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mepflow.storage.files import atomic_path


class LogRow(NamedTuple):
    """One validation; the field names are the columns, with their units.

    ``train_loss`` is the mean over the steps since the previous row, each before its update. The
    losses are in the units of the variant's weighted sum, the errors are per component.
    """

    step: int
    epoch: float
    learning_rate: float
    train_loss: float
    validation_loss: float
    validation_dipole_mae_e_bohr: float
    validation_dipole_rmse_e_bohr: float
    validation_quadrupole_mae_e_bohr2: float
    validation_quadrupole_rmse_e_bohr2: float
    wall_time_s: float


def write_log(path: Path, rows: Sequence[LogRow]) -> None:
    """Write the whole log, atomically: after a resume it has neither gaps nor doubled rows."""
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(LogRow._fields)
        writer.writerows(rows)

"""The log of a training, ``training.csv``: one row per validation."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from mepflow.storage.files import atomic_path

LogRow = Mapping[str, float]
"""One validation by column, all rows of a log alike.

``step``, ``epoch``, ``learning_rate``; ``train_loss``, the mean over the steps since the previous
row, each before its update, and ``validation_loss``, in the units of the variant's weighted sum,
the latter without auxiliary targets (:attr:`mepflow.models.variants.Variant.selecting_weights`);
the errors of each target per component (:meth:`mepflow.models.targets.Target.error_columns`);
``wall_time_s``.
"""


def write_log(path: Path, rows: Sequence[LogRow]) -> None:
    """Write the whole log, atomically: after a resume it has neither gaps nor doubled rows."""
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(rows[0])
        writer.writerows(row.values() for row in rows)

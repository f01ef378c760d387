"""Table of learning curves: errors on the same test molecules over the training-set size."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from mepflow.evaluation.statistics import Source, read_sources, summarize
from mepflow.labels import representation_label
from mepflow.molecules import MoleculeTable
from mepflow.splits import TRAIN, rows_in_split
from mepflow.tables.writing import NONE, Column, number, write_table

_MULTIPOLES: Final = ("dipole_rmse_e_bohr", "quadrupole_rmse_e_bohr2")
_MEP: Final = "rmse_kcal_per_mol_e"


@dataclass(frozen=True)
class Step:
    """The trainings on one part of the training set: its splits, and their per-molecule errors."""

    splits: Path
    mep: Sequence[Source]
    multipoles: Sequence[Source]


def learning_curve_table(
    steps: Sequence[Step], baselines: Step, reference: Path, grid: str
) -> pd.DataFrame:
    """Return median errors per part of the training set and variant, then those of the baselines.

    ``n_training`` counts the training structures of a part that have a reference, 0 for a baseline.
    MEP errors are on ``grid``. Medians are over molecules, errors averaged over seeds before.
    """
    ids = MoleculeTable.load(reference).ids
    rows = []
    for step in steps:
        count = len(rows_in_split(ids, step.splits, TRAIN))
        rows += _rows(step, count, grid)
    rows.sort(key=lambda row: (row["representation"], row["n_training"]))
    return pd.DataFrame(rows + _rows(baselines, 0, grid))


def _rows(step: Step, count: int, grid: str) -> list[dict[str, object]]:
    if not step.mep:
        return []
    mep = read_sources(step.mep)
    mep = mep[mep["grid"] == grid]
    multipoles = read_sources(step.multipoles)
    rows: list[dict[str, object]] = []
    for name in dict.fromkeys(source.name for source in step.mep):
        row: dict[str, object] = {"representation": name, "n_training": count}
        for errors, column in ((mep, _MEP), *((multipoles, one) for one in _MULTIPOLES)):
            found = summarize(errors[errors["name"] == name], column)
            row |= {
                f"median_{column}": found.median,
                f"low_{column}": found.median_low,
                f"high_{column}": found.median_high,
                "n_structures": found.n_molecules,
                "n_seeds": found.n_seeds,
            }
        rows.append(row)
    return rows


def write_learning_curve_table(
    steps: Sequence[Step],
    baselines: Step,
    reference: Path,
    grid: str,
    csv: Path,
    markdown: Path,
) -> None:
    """Write :func:`learning_curve_table` as CSV and Markdown."""
    columns = (
        Column("Representation", lambda row: representation_label(row.representation), "left"),
        Column(
            "Training structures", lambda row: f"{row.n_training:,}" if row.n_training else NONE
        ),
        Column("Median MEP RMSE (kcal/mol/e)", number(f"median_{_MEP}")),
        Column("Median dipole RMSE (e·bohr)", number(f"median_{_MULTIPOLES[0]}", 4)),
        Column("Median quadrupole Θ′ RMSE (e·bohr²)", number(f"median_{_MULTIPOLES[1]}", 3)),
        Column("Test structures", lambda row: str(row.n_structures)),
        Column("Seeds", lambda row: str(row.n_seeds) if row.n_training else NONE),
    )
    write_table(learning_curve_table(steps, baselines, reference, grid), columns, csv, markdown)

"""Table of learning curves: errors on the same test molecules over the training-set size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from mepflow.evaluation.sources import Source, read_sources, sources_of
from mepflow.evaluation.statistics import summarize
from mepflow.molecules import MoleculeTable
from mepflow.naming import grid_words, representation_label
from mepflow.selection.splits import TRAIN, rows_in_split
from mepflow.tables.writing import NONE, Column, number, write_table

_MULTIPOLES: Final = ("dipole_rmse_e_bohr", "quadrupole_rmse_e_bohr2")
_MEP: Final = "rmse_kcal_per_mol_e"


@dataclass(frozen=True)
class Step:
    """The trainings on one part of the training set: its splits, and files of each kind."""

    splits: Path
    files: Mapping[str, Sequence[Source]]


def steps_of(splits: Sequence[str], **files: Sequence[str]) -> list[Step]:
    """Return the steps of a job: for each file of splits equally many of each kind, in order."""
    steps = []
    for place, path in enumerate(splits):
        size = {kind: len(of_kind) // len(splits) for kind, of_kind in files.items()}
        own = {
            kind: sources_of(of_kind[place * size[kind] : (place + 1) * size[kind]])
            for kind, of_kind in files.items()
        }
        steps.append(Step(Path(path), own))
    return steps


def learning_curve_table(
    steps: Sequence[Step],
    floors: tuple[Sequence[Source], Sequence[Source]],
    reference: Path,
    grid: str,
) -> pd.DataFrame:
    """Return median errors per part of the training set and variant, then those of the floors.

    Steps hold the per-molecule CSV files ``mep`` and ``multipoles``.
    ``floors`` are baselines: their per-molecule CSV files of the MEP and of the multipoles.
    ``n_training`` counts the training structures of a part that have a reference, 0 for a floor.
    MEP errors are on ``grid``. Medians are over molecules, errors averaged over seeds before.
    """
    ids = MoleculeTable.load(reference).ids
    rows = []
    for step in steps:
        count = len(rows_in_split(ids, step.splits, TRAIN))
        rows += _rows(step.files["mep"], step.files["multipoles"], count, grid)
    rows.sort(key=lambda row: (row["representation"], row["n_training"]))
    return pd.DataFrame(rows + (_rows(*floors, 0, grid) if floors[0] else []))


def _rows(
    mep_sources: Sequence[Source], multipole_sources: Sequence[Source], count: int, grid: str
) -> list[dict[str, Any]]:
    mep = read_sources(mep_sources)
    mep = mep[mep["grid"] == grid]
    multipoles = read_sources(multipole_sources)
    rows = []
    for name in dict.fromkeys(source.name for source in mep_sources):
        row: dict[str, Any] = {"representation": name, "n_training": count}
        for errors, column in ((mep, _MEP), *((multipoles, one) for one in _MULTIPOLES)):
            found = summarize(errors[errors["name"] == name], column)
            row |= {
                f"median_{column}": found.median,
                f"low_{column}": found.median_low,
                f"high_{column}": found.median_high,
                "n_structures": found.n_structures,
                "n_molecules": found.n_molecules,
                "n_seeds": found.n_seeds,
            }
        rows.append(row)
    return rows


def write_learning_curve_table(
    steps: Sequence[Step],
    floors_mep: Sequence[Source],
    floors_multipoles: Sequence[Source],
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
    table = learning_curve_table(steps, (floors_mep, floors_multipoles), reference, grid)
    write_table(
        table,
        columns,
        csv,
        markdown,
        title="Errors over the size of the training set",
        note=f"On the same test structures; the MEP on {grid_words(grid)}.",
    )

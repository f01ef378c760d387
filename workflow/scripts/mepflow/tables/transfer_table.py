"""Table of the transfer: models of other data sets beside the data set's own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from mepflow.evaluation.sources import Source
from mepflow.evaluation.statistics import pooled_rmse, summarize
from mepflow.evaluation.transfer_evaluation import ByDataset, comparisons
from mepflow.naming import grid_words, representation_label
from mepflow.tables.writing import Column, number, range_text, write_table

_MULTIPOLES: Final = ("dipole_rmse_e_bohr", "quadrupole_rmse_e_bohr2")
COLUMNS: Final = (
    "source",
    "representation",
    "trained_on",
    "n_structures",
    "n_molecules",
    "n_seeds",
    "median_rmse_kcal_per_mol_e",
    "median_rmse_low_kcal_per_mol_e",
    "median_rmse_high_kcal_per_mol_e",
    *_MULTIPOLES,
)
"""Columns of the CSV file; ``source`` is the other data set, whose models choose the molecules."""


def transfer_table(
    dataset: str,
    own: tuple[Sequence[Source], Sequence[Source]],
    foreign: tuple[ByDataset, ByDataset],
    grid: str,
    bootstrap_seed: int = 0,
) -> pd.DataFrame:
    """Return errors of the MEP on ``grid``, dipole and Θ′ on the test molecules of ``dataset``.

    ``own`` and ``foreign`` are each the per-molecule CSV files of the MEP and of the multipoles.
    Two rows per other data set and variant: the data set's own models, and the other's, on the
    molecules of the latter. Medians are over molecules, RMSE over all components, as in the tables
    of the own models; nan where there are no molecules.
    """
    mep = comparisons(own[0], foreign[0], grid)
    multipoles = comparisons(own[1], foreign[1])
    rows = []
    for one, other in zip(mep, multipoles, strict=True):
        place = {"source": one.source, "representation": one.variant}
        for trained_on, of_mep, of_multipoles in (
            (dataset, one.own, other.own),
            (one.source, one.foreign, other.foreign),
        ):
            statistics = _statistics(of_mep, of_multipoles, bootstrap_seed)
            rows.append({**place, "trained_on": trained_on, **statistics})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _statistics(mep: pd.DataFrame, multipoles: pd.DataFrame, seed: int) -> dict[str, float]:
    if mep.empty:
        return {"n_structures": 0, "n_molecules": 0, "n_seeds": 0}
    rmse = summarize(mep, "rmse_kcal_per_mol_e", seed=seed)
    return {
        "n_structures": rmse.n_structures,
        "n_molecules": rmse.n_molecules,
        "n_seeds": rmse.n_seeds,
        "median_rmse_kcal_per_mol_e": rmse.median,
        "median_rmse_low_kcal_per_mol_e": rmse.median_low,
        "median_rmse_high_kcal_per_mol_e": rmse.median_high,
        **{column: pooled_rmse(multipoles[column]) for column in _MULTIPOLES},
    }


def write_transfer_table(
    dataset: str,
    own: tuple[Sequence[Source], Sequence[Source]],
    foreign: tuple[ByDataset, ByDataset],
    grid: str,
    csv: Path,
    markdown: Path,
) -> None:
    """Write :func:`transfer_table` as CSV and Markdown."""
    table = transfer_table(dataset, own, foreign, grid)
    other = Column("Molecules chosen for", lambda row: row.source, "left")
    columns = (
        Column("Variant", lambda row: representation_label(row.representation), "left"),
        Column("Trained on", lambda row: row.trained_on, "left"),
        Column("Median RMSE (kcal/mol/e)", number("median_rmse_kcal_per_mol_e")),
        Column(
            "95 % interval (kcal/mol/e)",
            lambda row: range_text(
                row.median_rmse_low_kcal_per_mol_e, row.median_rmse_high_kcal_per_mol_e
            ),
        ),
        Column("Dipole RMSE (e·bohr)", number("dipole_rmse_e_bohr", 4)),
        Column("Quadrupole Θ′ RMSE (e·bohr²)", number("quadrupole_rmse_e_bohr2", 3)),
        Column("Structures", lambda row: str(row.n_structures)),
        Column("Seeds", lambda row: str(row.n_seeds)),
        *([other] if len(set(table["source"])) > 1 else []),
    )
    write_table(
        table,
        columns,
        csv,
        markdown,
        title=f"Models of other data sets on the test molecules of {dataset}",
        note=f"MEP on {grid_words(grid)}.",
    )

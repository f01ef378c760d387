"""Table of the MEP's errors of aromatic, of planar and of other molecules."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from mepflow.errors import InputError
from mepflow.evaluation.breakdown import SINGLE_VALUES
from mepflow.evaluation.mep_errors import WITH_PENETRATION
from mepflow.evaluation.planarity import CLASSES, class_of
from mepflow.evaluation.sources import Source, read_sources, require_same_molecules
from mepflow.evaluation.statistics import (
    FEWEST_MOLECULES,
    median_columns,
    summarize,
    values_of_molecules,
)
from mepflow.molecules import MoleculeTable
from mepflow.naming import grid_words, representation_label
from mepflow.storage.csv_file import write_csv
from mepflow.tables.writing import NONE, Column, Part, decimal_text, write_markdown

_RMSE: Final = "rmse_kcal_per_mol_e"
_COLUMNS: Final = {_RMSE: "Points alone", WITH_PENETRATION: "With penetration"}


def aromatics_table(
    sources: Sequence[Source], reference: Path, grid: str, bootstrap_seed: int = 0
) -> pd.DataFrame:
    """Return the median MEP errors on ``grid``, a row per class and representation.

    ``sources`` are the per-molecule CSV files of
    :func:`mepflow.evaluation.mep_errors.evaluate_mep` in the order that the rows shall have,
    classes those of :mod:`mepflow.evaluation.planarity`. Medians are over structures, errors
    averaged over seeds before, with the 95 % bootstrap interval over molecules. Where these are too
    few for one, :data:`~mepflow.evaluation.breakdown.SINGLE_VALUES` has their errors. A column with
    penetration is nan where a molecule of the class has an element without width.

    Raises :class:`InputError` where nothing was measured on the grid or representations are about
    different molecules.
    """
    errors = read_sources(sources)
    errors = errors[errors["grid"] == grid]
    if errors.empty:
        raise InputError(f"no MEP errors were measured on grid {grid!r}: choose another grid.")
    require_same_molecules(errors)
    table = MoleculeTable.load(reference)
    wanted = set(errors["id"])
    classes = {
        key: class_of(table.molecule(row)) for row, key in enumerate(table.ids) if key in wanted
    }
    errors = errors.assign(of_class=errors["id"].map(classes))
    names = dict.fromkeys(source.name for source in sources)
    rows = []
    for kind in CLASSES:
        for name in names:
            of_both = errors[(errors["of_class"] == kind) & (errors["name"] == name)]
            if len(of_both):
                row = _row(of_both, bootstrap_seed)
                rows.append({"class": kind, "representation": name, **row})
    return pd.DataFrame(rows)


def _row(errors: pd.DataFrame, seed: int) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for column in _COLUMNS:
        known = column in errors and bool(errors[column].notna().all())
        nothing = (float("nan"),) * 3
        found = summarize(errors, column, seed=seed) if known else None
        values = (found.median, found.median_low, found.median_high) if found else nothing
        row |= zip(median_columns(column), values, strict=True)
    few = errors["molecule"].nunique() < FEWEST_MOLECULES
    single = values_of_molecules(errors, _RMSE) if few else ()
    return {
        "n_structures": errors["id"].nunique(),
        "n_molecules": errors["molecule"].nunique(),
        "n_seeds": errors["seed"].nunique(),
        **row,
        SINGLE_VALUES: " ".join(f"{value:.6g}" for value in single),
    }


def write_aromatics_table(
    sources: Sequence[Source], reference: Path, grid: str, csv: Path, markdown: Path
) -> None:
    """Write :func:`aromatics_table` as CSV, and as Markdown with a column for each class."""
    table = aromatics_table(sources, reference, grid)
    write_csv(table, csv)
    parts = [
        _part(heading, table, median_columns(column))
        for column, heading in _COLUMNS.items()
        if table[f"median_{column}"].notna().any()
    ]
    note = (
        f"Median RMSE of the MEP in kcal/mol/e on {grid_words(grid)}, with its 95 % bootstrap"
        " interval over molecules; the number of molecules in brackets. Fewer than"
        f" {FEWEST_MOLECULES} have no interval."
    )
    write_markdown(parts, markdown, title="Errors of aromatic and of planar molecules", note=note)


def _part(heading: str, table: pd.DataFrame, ends: tuple[str, str, str]) -> Part:
    cells = {
        (row["class"], row["representation"]): _cell(*row[list(ends)])
        for _, row in table.iterrows()
    }
    counts = table.groupby("class", sort=False)["n_molecules"].max()
    rows = pd.DataFrame({"representation": table["representation"].unique()})

    def cell(kind: str) -> Callable[[Any], str]:
        return lambda row: cells.get((kind, row.representation), NONE)

    columns = (
        Column("Representation", lambda row: representation_label(row.representation), "left"),
        *(Column(f"{kind} ({count:,})", cell(str(kind))) for kind, count in counts.items()),
    )
    return Part(heading, rows, columns)


def _cell(median: float, low: float, high: float) -> str:
    return decimal_text(median, 2) + ("" if math.isnan(low) else f" [{low:.2f}, {high:.2f}]")

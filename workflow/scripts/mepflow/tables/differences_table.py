"""Tables of differences: consistency of an archive's labels, agreement of ours with an archive."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mepflow.evaluation.differences import Quantity, difference_table
from mepflow.tables.writing import NONE, Column, id_text, write_table


def write_difference_table(
    differences: pd.DataFrame,
    quantities: Sequence[Quantity],
    csv: Path,
    markdown: Path,
    *,
    title: str,
) -> None:
    """Write :func:`mepflow.evaluation.differences.difference_table` as CSV and Markdown.

    The Markdown has columns of the tolerance where a quantity has one.
    """
    table = difference_table(differences, quantities)
    tolerances = (
        Column("Tolerance", lambda row: NONE if pd.isna(row.tolerance) else f"{row.tolerance:g}"),
        Column("Above it", lambda row: f"{row.n_above_tolerance:,}"),
    )
    columns = (
        Column("Quantity", lambda row: row.quantity, "left"),
        Column("Unit", lambda row: row.unit, "left"),
        Column("Structures", lambda row: f"{row.n_structures:,}"),
        Column("Not compared", lambda row: f"{row.n_not_compared:,}"),
        Column("Median", _size("median")),
        Column("95th percentile", _size("percentile_95")),
        Column("Largest", _size("largest")),
        Column("Its molecule", lambda row: id_text(row.largest_id) or NONE, "left"),
        *(tolerances if any(one.tolerance is not None for one in quantities) else ()),
    )
    write_table(
        table,
        columns,
        csv,
        markdown,
        title=title,
        note="Sizes of the differences of a structure.",
    )


def _size(name: str) -> Callable[[Any], str]:
    """Return a column's function: two digits of a number of any magnitude."""

    def cell(row: Any) -> str:
        value = getattr(row, name)
        return NONE if pd.isna(value) else f"{value:.1e}"

    return cell

"""How a table is written: CSV for machines, Markdown for people."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import pandas as pd

from mepflow.storage.csv_file import write_csv
from mepflow.storage.files import atomic_path

NONE: Final = "–"
"""What a cell without a value shows."""
_PLAIN_ID: Final = re.compile(r"[\w.:-]*")


@dataclass(frozen=True)
class Column:
    """A column of a Markdown table: its heading with the unit, and the text of a row's cell."""

    heading: str
    cell: Callable[[Any], str]
    alignment: Literal["left", "right"] = "right"


def write_table(frame: pd.DataFrame, columns: Sequence[Column], csv: Path, markdown: Path) -> None:
    """Write all of ``frame`` as CSV, and the chosen ``columns`` as aligned Markdown, atomically."""
    write_csv(frame, csv)
    write_markdown(frame, columns, markdown)


def write_markdown(frame: pd.DataFrame, columns: Sequence[Column], path: Path) -> None:
    """Write ``columns`` as aligned Markdown, atomically.

    Each column makes its cells from a row of the frame (a named tuple).
    """
    rows = list(frame.itertuples())
    shown = pd.DataFrame({c.heading: [c.cell(row) for row in rows] for c in columns}, dtype=str)
    with atomic_path(path) as temporary:
        # Cells are finished text: the writer must not read numbers into them again.
        alignments = [column.alignment for column in columns]
        text = shown.to_markdown(index=False, disable_numparse=True, colalign=alignments)
        temporary.write_text(f"{text}\n", encoding="utf-8")


def number(name: str, decimals: int = 2) -> Callable[[Any], str]:
    """Return a column's function: the value of the frame's column ``name`` with ``decimals``."""
    return lambda row: decimal_text(getattr(row, name), decimals)


def decimal_text(value: float, decimals: int) -> str:
    """Return a number as text."""
    return NONE if pd.isna(value) else f"{value:.{decimals}f}"


def range_text(low: float, high: float) -> str:
    """Return an interval as text."""
    return NONE if pd.isna(low) else f"{low:.2f} to {high:.2f}"


def id_text(molecule_id: str) -> str:
    """Return an id for a Markdown cell; in one that is a SMILES, brackets would make a link."""
    return molecule_id if _PLAIN_ID.fullmatch(molecule_id) else f"`{molecule_id}`"

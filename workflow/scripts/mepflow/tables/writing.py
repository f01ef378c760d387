"""How a table is written: CSV for machines, Markdown for people."""

import math
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


@dataclass(frozen=True)
class Part:
    """One of several tables in a file: what stands above it, its rows, and its columns."""

    heading: str
    frame: pd.DataFrame
    columns: Sequence[Column]


def write_table(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    csv: Path,
    markdown: Path,
    *,
    title: str,
    note: str = "",
) -> None:
    """Write all of ``frame`` as CSV, and the chosen ``columns`` as :func:`write_markdown` does."""
    write_csv(frame, csv)
    write_markdown([Part("", frame, columns)], markdown, title=title, note=note)


def write_markdown(parts: Sequence[Part], path: Path, *, title: str, note: str = "") -> None:
    """Write a title, a note on what is in the table and in which units, and the parts, atomically.

    Each column makes its cells from a row of its part's frame (a named tuple).
    """
    blocks = [f"# {title}", note]
    for part in parts:
        blocks += [f"## {part.heading}" if part.heading else "", _aligned(part)]
    with atomic_path(path) as temporary:
        temporary.write_text("\n\n".join(filter(None, blocks)) + "\n", encoding="utf-8")


def _aligned(part: Part) -> str:
    rows = list(part.frame.itertuples())
    cells = {column.heading: [column.cell(row) for row in rows] for column in part.columns}
    alignments = [column.alignment for column in part.columns]
    # Cells are finished text: the writer must not read numbers into them again.
    return pd.DataFrame(cells, dtype=str).to_markdown(
        index=False, disable_numparse=True, colalign=alignments
    )


def number(name: str, decimals: int = 2) -> Callable[[Any], str]:
    """Return a column's function: the value of the frame's column ``name`` with ``decimals``."""
    return lambda row: decimal_text(getattr(row, name), decimals)


def decimal_text(value: float, decimals: int) -> str:
    """Return a number as text; one that is not zero does not read as zero."""
    if math.isnan(value):
        return NONE
    least = 10.0**-decimals
    return f"< {least:.{decimals}f}" if 0 < value < 0.5 * least else f"{value:.{decimals}f}"


def difference_text(value: float, low: float, high: float) -> str:
    """Return a difference with its sign and, where there is one, its interval as text."""
    interval = "" if math.isnan(low) else f" [{low:.2f}, {high:.2f}]"
    return f"{value:+.2f}{interval}"


def counted(count: int, name: str) -> str:
    """Return a number of things in words: ``1 seed``, ``1,200 structures``."""
    return f"{count:,} {name}" + ("" if count == 1 else "s")


def seeds_text(counts: "pd.Series[int]") -> str:
    """Return how many seeds representations have: ``3 seeds``, ``1 to 3 seeds``."""
    least, most = int(counts.min()), int(counts.max())
    return ("" if least == most else f"{least} to ") + counted(most, "seed")


def range_text(low: float, high: float) -> str:
    """Return an interval as text."""
    return NONE if pd.isna(low) else f"{low:.2f} to {high:.2f}"


def id_text(molecule_id: str) -> str:
    """Return an id for a Markdown cell; in one that is a SMILES, brackets would make a link."""
    return molecule_id if _PLAIN_ID.fullmatch(molecule_id) else f"`{molecule_id}`"

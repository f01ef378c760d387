"""Tables of results, read back from the Markdown that people see."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mepflow.errors import InputError, MissingFileError
from mepflow.tables.writing import NONE

_CELLS: Final = re.compile(r"(?<!\\)\|")
_NUMBER: Final = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


@dataclass(frozen=True)
class Cell:
    """A cell: its text, and the number that it is sorted by, or None where it is a text."""

    text: str
    number: float | None


@dataclass(frozen=True)
class Table:
    """A table: what stands above it (may be empty), headings, which columns are numbers, cells."""

    title: str
    headings: list[str]
    numeric: list[bool]
    rows: list[list[Cell]]


def read_tables(path: Path) -> list[Table]:
    """Read a Markdown file that :func:`mepflow.tables.writing.write_markdown` wrote.

    Raises :class:`InputError` where it is missing or another kind of file.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise MissingFileError(path) from None
    parts: dict[str, list[str]] = {}
    title = ""
    for line in lines:
        if line.startswith("## "):
            title = line.removeprefix("## ")
        elif line.startswith("|"):
            parts.setdefault(title, []).append(line)
    if not parts:
        raise InputError(f"{path} is not a table: delete it and run again.")
    return [_table(title, lines, path) for title, lines in parts.items()]


def _table(title: str, lines: list[str], path: Path) -> Table:
    rows = [_cells(line) for line in lines]
    if len(rows) < 2 or len({len(row) for row in rows}) != 1:
        raise InputError(f"{path} is not a table: delete it and run again.")
    headings, alignments, *body = rows
    numeric = [alignment.endswith(":") for alignment in alignments]
    return Table(
        title,
        headings,
        numeric,
        [[_cell(text, number) for text, number in zip(row, numeric, strict=True)] for row in body],
    )


def _cells(line: str) -> list[str]:
    parts = _CELLS.split(line.strip())[1:-1]
    return [part.strip().replace("\\|", "|").replace("`", "") for part in parts]


def _cell(text: str, numeric: bool) -> Cell:
    """Return a cell; an interval is sorted by its lower end, and what is missing is no number."""
    plain = text.replace(",", "").removeprefix("< ")
    match = _NUMBER.match(plain) if numeric and text != NONE else None
    return Cell(text, float(match[0]) if match else None)

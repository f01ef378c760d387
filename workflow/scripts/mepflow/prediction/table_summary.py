"""What a summary of a batch needs of its tables, read a row at a time."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

CsvRow = dict[str, str]

MOST_LINES: Final = 20
"""Rows of each kind that are kept; all are counted."""


@dataclass
class SomeRows:
    """The first rows of a kind, and how many there are."""

    rows: list[CsvRow] = field(default_factory=list)
    count: int = 0

    def add(self, row: CsvRow) -> None:
        """Count a row, and keep it if it is among the first."""
        self.count += 1
        if len(self.rows) < MOST_LINES:
            self.rows.append(row)

    @property
    def more(self) -> int:
        """Return how many are not kept."""
        return self.count - len(self.rows)


@dataclass
class TableSummary:
    """The rows of ``multipoles.csv`` by what is to be said of them.

    ``largest_deviation`` is the largest root mean square in kcal/mol/e of the potential of the
    charges that stand alone against the model's, 0 where there is none.
    """

    predicted: SomeRows = field(default_factory=SomeRows)
    failed: SomeRows = field(default_factory=SomeRows)
    doubtful: SomeRows = field(default_factory=SomeRows)
    assumed: SomeRows = field(default_factory=SomeRows)
    largest_deviation: float = 0.0

    @classmethod
    def of(cls, path: Path) -> "TableSummary":
        """Read a table."""
        summary = cls()
        for row in csv_rows(path):
            if row["failure"]:
                summary.failed.add(row)
                continue
            summary.predicted.add(row)
            if row["warnings"]:
                summary.doubtful.add(row)
            if row["total_charge_from"] == "assumed":
                summary.assumed.add(row)
            deviation = float(row.get("mep_of_charges_rmse_kcal_per_mol_e", 0.0))
            summary.largest_deviation = max(summary.largest_deviation, deviation)
        return summary


def csv_rows(path: Path) -> Iterator[CsvRow]:
    """Yield the rows of a table of ours."""
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)

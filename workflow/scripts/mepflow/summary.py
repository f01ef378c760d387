"""What a finished run prints: the headline numbers and where everything is.

Only the standard library is imported: the workflow reads this whenever it is parsed.
"""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def summary(config: Mapping[str, Any]) -> str:
    """Return the median MEP errors on each dataset's headline grid, and the folders of results.

    A dataset whose table is not there (only a part of the run was asked for) is passed over.
    """
    lines = []
    for name, dataset in config["datasets"].items():
        folder = Path(config["results"]) / name
        table = folder / "tables" / "mep.csv"
        if not table.exists():
            continue
        lines += ["", f"{name}: median RMSE of the MEP on grid {dataset['headline_grid']}", ""]
        lines += _rows(table, dataset["headline_grid"])
        lines += ["", f"Figures: {folder}/figures   Tables: {folder}/tables"]
    return "\n".join(lines)


def _rows(table: Path, grid: str) -> list[str]:
    with table.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["grid"] == grid]
    width = max((len(row["representation"]) for row in rows), default=0)
    lines = []
    for row in rows:
        median = float(row["median_rmse_kcal_per_mol_e"])
        lines.append(f"  {row['representation']:{width}}  {median:6.2f} kcal/mol/e")
    return lines

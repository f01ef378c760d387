"""What ``judge`` writes: tables as CSV and Markdown, and a figure."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from mepflow.judging.judgement import FLOORS, RMSE, Judgement
from mepflow.judging.methods import METHODS
from mepflow.plots.log_axes import log_axis
from mepflow.plots.marks import size_text
from mepflow.plots.style import BLUE, GREY, LIGHT_GREY, PAGE_WIDTH, drawing
from mepflow.storage.csv_file import write_csv
from mepflow.storage.files import atomic_path

_COLUMNS: Final = {
    "row": "charges", "rank": "rank",
    "median_rmse_kcal_per_mol_e": "median RMSE, kcal/mol/e",
    "largest_rmse_kcal_per_mol_e": "largest RMSE",
    "median_relative_rmse": "relative RMSE", "median_r2": "R²",
    "median_dipole_error_debye": "dipole error, D",
    "mae_highest_kcal_per_mol_e": "error of V_max", "mae_lowest_kcal_per_mol_e": "error of V_min",
}  # fmt: skip
_ROW_INCHES: Final = 0.2
_MARGIN_INCHES: Final = 0.95


def row_label(name: str) -> str:
    """Return how tables and figures call a row: a method by its label, others by their name."""
    return METHODS[name].label if name in METHODS else name


def write_judgement(
    folder: Path, judgement: Judgement, grid: str, remarks: Mapping[str, Sequence[str]]
) -> list[Path]:
    """Write all files into ``folder`` and return them."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        "errors.csv": judgement.errors,
        "judgement.csv": judgement.table,
        "differences.csv": judgement.differences,
    }
    for name, frame in tables.items():
        write_csv(frame, folder / name)
    with atomic_path(folder / "judgement.md") as temporary:
        temporary.write_text(markdown(judgement, grid, remarks), encoding="utf-8")
    pictures = [folder / f"judgement.{kind}" for kind in ("png", "pdf")]
    if len(judgement.table):
        draw(judgement, grid, pictures)
    return [folder / name for name in (*tables, "judgement.md")] + pictures


def markdown(judgement: Judgement, grid: str, remarks: Mapping[str, Sequence[str]]) -> str:
    """Return the table with a caption, and what was remarked of the inputs."""
    lines = [
        f"Errors of the potential on the grid `{grid}`, over the {judgement.shared} structures "
        "that every row covers: medians, with 95 % bootstrap intervals over molecules; for the "
        "highest and lowest value on the grid, V_max and V_min, the mean absolute error. The rank "
        "is one more than the number of rows whose error is smaller beyond doubt (paired 95 % "
        "interval over molecules): equal ranks are not told apart. Floors have none.",
        "",
        "| " + " | ".join(_COLUMNS.values()) + " |",
        "|" + "---|" * len(_COLUMNS),
    ]
    lines += [_line(row) for row in judgement.table.to_dict("records")]
    for name, count in judgement.apart.items():
        lines += ["", f"{row_label(name)} covers {count} structures only and is left out."]
    said = [f"- {row_label(name)}: {text}" for name, texts in remarks.items() for text in texts]
    return "\n".join([*lines, *(["", "Remarks:", "", *said] if said else []), ""])


def _line(row: Mapping[Any, Any]) -> str:
    low, high = (row[f"median_rmse_{end}_kcal_per_mol_e"] for end in ("low", "high"))
    interval = "" if np.isnan(low) else f" [{low:.2f}, {high:.2f}]"
    digits = {"median_relative_rmse": 3, "median_r2": 3, "median_dipole_error_debye": 3}
    words = {
        "row": row_label(row["row"]) + (" (floor)" if row["row"] in FLOORS else ""),
        "rank": "" if pd.isna(row["rank"]) else f"{row['rank']:.0f}",
        "median_rmse_kcal_per_mol_e": f"{row['median_rmse_kcal_per_mol_e']:.2f}{interval}",
    }
    cells = [
        words[name] if name in words else f"{row[name]:.{digits.get(name, 2)}f}"
        for name in _COLUMNS
    ]
    return "| " + " | ".join(cells) + " |"


def draw(judgement: Judgement, grid: str, outputs: Sequence[Path]) -> None:
    """Draw each row's errors by structure, their median and its interval."""
    table = judgement.table
    errors = judgement.errors[judgement.errors["judged"]]
    height = _MARGIN_INCHES + _ROW_INCHES * len(table)
    with drawing(PAGE_WIDTH, height, outputs, "default") as figure:
        axes = figure.add_subplot()
        for place, row in enumerate(table.to_dict("records")):
            own = errors.loc[errors["name"] == row["row"], RMSE].to_numpy()
            colour = GREY if row["row"] in FLOORS else BLUE
            axes.plot(own, np.full(len(own), place), "o", color=LIGHT_GREY, markersize=2.0)
            ends = [row[f"median_rmse_{end}_kcal_per_mol_e"] for end in ("low", "high")]
            axes.plot(ends, [place, place], color=colour, linewidth=1.4)
            median = row["median_rmse_kcal_per_mol_e"]
            axes.plot(median, place, "o", color=colour, markersize=4.0)
            axes.annotate(
                f"{median:.2f}", (1.01, place), xycoords=("axes fraction", "data"), va="center"
            )
        axes.set_yticks(range(len(table)), [row_label(str(name)) for name in table["row"]])
        log_axis(axes.xaxis)
        axes.set_ylim(len(table) - 0.5, -0.5)
        axes.grid(visible=True, axis="x", color=LIGHT_GREY, linewidth=0.5)
        n_molecules = int(table["n_molecules"].max())
        axes.set_title(size_text(judgement.shared, n_molecules, "reference"), fontsize=7.5)
        axes.set_xlabel(f"RMSE of the MEP on the grid {grid} (kcal/mol/e); grey: floors")

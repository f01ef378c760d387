"""Figure: the MEP error of aromatic, of planar and of other molecules."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes

from mepflow.evaluation.breakdown import SINGLE_VALUES
from mepflow.evaluation.statistics import median_columns
from mepflow.naming import grid_label
from mepflow.plots.appearance import Appearance, Rows, appearances
from mepflow.plots.marks import draw_marks, draw_singles, size_text
from mepflow.plots.row_panels import ROW_HEIGHT, row_panels
from mepflow.plots.style import PAGE_WIDTH, drawing
from mepflow.storage.csv_file import read_csv

_MEDIAN, _LOW, _HIGH = median_columns("rmse_kcal_per_mol_e")
_MARGIN_HEIGHT: Final = 0.8


def plot_aromatics(
    table: Path, variants: Rows, grid: str, outputs: Sequence[Path], style: str = "default"
) -> None:
    """Draw the median error of each representation, a panel for each class of molecules.

    ``table`` is the CSV file of :func:`mepflow.tables.aromatics_table.write_aromatics_table` for
    ``grid``, whose models are rows of ``variants``. Lines are 95 % intervals; of classes with too
    few molecules for one, each molecule has a mark of its own.
    """
    frame = read_csv(table, dtype={SINGLE_VALUES: str})
    known = appearances(variants)
    looks = {name: known[name] for name in frame["representation"].unique()}
    classes = list(frame["class"].unique())
    height = _MARGIN_HEIGHT + ROW_HEIGHT * len(looks)
    with drawing(PAGE_WIDTH, height, outputs, style) as figure:
        titles = [_title(frame, kind) for kind in classes]
        panels = row_panels(figure, looks, titles)
        for axes, kind in zip(panels, classes, strict=True):
            of_class = frame[frame["class"] == kind].set_index("representation")
            for row, (name, look) in enumerate(looks.items()):
                if name in of_class.index:
                    _draw_row(axes, row, look, of_class.loc[name])
        figure.supxlabel(
            f"RMSE of the MEP on the {grid_label(grid)} grid (kcal/mol/e)", fontsize=7.5
        )


def _title(frame: pd.DataFrame, kind: str) -> str:
    of_class = frame.loc[frame["class"] == kind, ["n_structures", "n_molecules"]].max().astype(int)
    return f"{kind}\n{size_text(*of_class)}".replace(" of ", "\nof ")


def _draw_row(axes: Axes, position: int, look: Appearance, row: "pd.Series[Any]") -> None:
    single = row[SINGLE_VALUES]
    if pd.isna(single):
        axes.hlines(position, row[_LOW], row[_HIGH], color=look.colour, linewidth=1.2)
        draw_marks(axes, row[_MEDIAN], position, look, size=4.5)
        return
    values = [float(value) for value in single.split()]
    draw_singles(axes, values, [position] * len(values), look)

"""Figure: the median MEP error of every representation, points alone beside with penetration."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from mepflow.evaluation.mep_errors import WITH_PENETRATION
from mepflow.evaluation.statistics import median_columns
from mepflow.naming import grid_label
from mepflow.plots.appearance import Appearance, Rows, appearances
from mepflow.plots.marks import MARK_HANDLE, draw_marks, size_text
from mepflow.plots.row_panels import ROW_HEIGHT, row_panels
from mepflow.plots.style import BLACK, GREY, PAGE_WIDTH, drawing
from mepflow.storage.csv_file import read_csv

_ALONE: Final = median_columns("rmse_kcal_per_mol_e")
_WITH: Final = median_columns(WITH_PENETRATION)
_OFFSET: Final = 0.17
"""Rows by which the two marks of a representation stand above and below the middle of its row."""
_MARGIN_HEIGHT: Final = 1.05


def plot_mep_penetration(
    table: Path, variants: Rows, outputs: Sequence[Path], style: str = "default"
) -> None:
    """Draw both medians of each representation, a panel for each grid.

    ``table`` is the CSV file of :func:`mepflow.tables.mep_table.write_mep_table`, whose models are
    rows of ``variants``. Lines are 95 % intervals.
    """
    frame = read_csv(table)
    known = appearances(variants)
    looks = {name: known[name] for name in frame["representation"].unique()}
    grids = list(frame["grid"].unique())
    height = _MARGIN_HEIGHT + ROW_HEIGHT * len(looks)
    with drawing(PAGE_WIDTH, height, outputs, style) as figure:
        panels = row_panels(figure, looks, [grid_label(str(grid)) for grid in grids])
        for axes, grid in zip(panels, grids, strict=True):
            _draw_rows(axes, looks, frame[frame["grid"] == grid].set_index("representation"))
        figure.supxlabel("median RMSE of the MEP (kcal/mol/e)", fontsize=7.5)
        figure.legend(
            handles=_handles(),
            loc="outside upper center",
            ncols=2,
            handlelength=MARK_HANDLE,
            title=size_text(*frame[["n_structures", "n_molecules"]].max().astype(int)),
        )


def _draw_rows(axes: Axes, looks: Mapping[str, Appearance], medians: pd.DataFrame) -> None:
    for row, (name, look) in enumerate(looks.items()):
        if name not in medians.index:
            continue
        alone, low, high = medians.loc[name, list(_ALONE)].to_numpy(float)
        inside, low_inside, high_inside = medians.loc[name, list(_WITH)].to_numpy(float)
        axes.hlines(row - _OFFSET, low, high, color=GREY, linewidth=0.8)
        axes.plot(alone, row - _OFFSET, "|", color=BLACK, markersize=5.0, markeredgewidth=1.0)
        axes.hlines(row + _OFFSET, low_inside, high_inside, color=look.colour, linewidth=1.2)
        draw_marks(axes, inside, row + _OFFSET, look, size=4.0)


def _handles() -> list[Line2D]:
    alone = Line2D([], [], marker="|", color=BLACK, linestyle="none", markersize=5.0)
    inside = Line2D([], [], marker="o", color=GREY, linestyle="none", markeredgecolor=BLACK)
    alone.set_label("points alone")
    inside.set_label("with penetration")
    return [alone, inside]

"""Figure: the dipole's error against the quadrupole's, over the weights of the loss."""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes

from mepflow.naming import representation_label
from mepflow.plots.appearance import Appearance, Rows, appearances
from mepflow.plots.label_places import label_points
from mepflow.plots.log_axes import log_axis
from mepflow.plots.marks import draw_marks, size_text
from mepflow.plots.style import COLUMN_WIDTH, GREY, drawing
from mepflow.storage.csv_file import read_csv

_LINES: Final = ("solid", "dashed", "dotted", "dashdot")
_HEIGHT: Final = 3.2
_MULTIPOLES: Final = ("dipole", "quadrupole")
_COLUMNS: Final = ("median_dipole_rmse_e_bohr", "median_quadrupole_rmse_e_bohr2")
_NUMBERS: Final = (
    "dipole_share",
    *(f"median_{multipole}_low" for multipole in _MULTIPOLES),
    *(f"median_{multipole}_high" for multipole in _MULTIPOLES),
)
"""Columns in which an empty cell is no number; one in others is an empty text."""
_LONG_TERMS: Final = 30
"""Terms of more characters leave no room for a second column of the legend."""
_MARGIN: Final = 0.08
"""Share of the axes that stays free beside the outermost interval: labels need room."""


def plot_trade_off(
    table: Path, variants: Rows, outputs: Sequence[Path], style: str = "default"
) -> None:
    """Draw the median errors of both multipoles of every variant, each with its name beside it.

    ``table`` is the CSV file of :func:`mepflow.tables.trade_off_table.write_trade_off_table` of
    these ``variants``. A grey line joins the variants with the same atomic terms in the order of
    the dipole's share of the loss, those that learn dipoles or quadrupoles.
    """
    frame = read_csv(table, keep_default_na=False, na_values=dict.fromkeys(_NUMBERS, ""))
    trained = frame[frame["terms"] != ""]
    looks = appearances(variants)
    size = size_text(*trained[["n_structures", "n_molecules"]].max().astype(int))
    with drawing(COLUMN_WIDTH, _HEIGHT, outputs, style) as figure:
        axes = figure.add_subplot()
        for line, (terms, of_terms) in zip(
            cycle(_LINES), trained.groupby("terms", sort=False), strict=False
        ):
            ordered = of_terms.dropna(subset="dipole_share").sort_values("dipole_share")
            axes.plot(
                *(ordered[column] for column in _COLUMNS),
                color=GREY,
                linestyle=line,
                linewidth=0.8,
                zorder=1,
                label=str(terms),
            )
        for _, row in trained.iterrows():
            _draw_point(axes, row, looks[row["representation"]])
        axes.margins(_MARGIN)
        for axis in (axes.xaxis, axes.yaxis):
            log_axis(axis)
        axes.set_xlabel("median RMSE of μ (e·bohr)")
        axes.set_ylabel("median RMSE of Θ′ (e·bohr²)")
        is_long = max(map(len, trained["terms"])) > _LONG_TERMS
        columns = 1 if is_long else 2
        figure.legend(loc="outside upper center", ncols=columns, handlelength=2.5, title=size)
        points = trained[list(_COLUMNS)].itertuples(index=False, name=None)
        names = [representation_label(name) for name in trained["representation"]]
        label_points(figure, axes, list(points), names)


def _draw_point(axes: Axes, row: "pd.Series[Any]", look: Appearance) -> None:
    """Draw one variant with the 95 % intervals of both medians."""
    x, y = (row[column] for column in _COLUMNS)
    width, height = (
        [row[f"median_{multipole}_{end}"] for end in ("low", "high")] for multipole in _MULTIPOLES
    )
    axes.hlines(y, *width, color=look.colour, linewidth=0.8, alpha=0.6)
    axes.vlines(x, *height, color=look.colour, linewidth=0.8, alpha=0.6)
    draw_marks(axes, x, y, look, size=5.0)

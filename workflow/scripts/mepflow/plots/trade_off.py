"""Figure: the dipole's error against the quadrupole's, over the weights of the loss."""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from mepflow.naming import representation_label
from mepflow.plots.appearance import Appearance, Rows, appearances
from mepflow.plots.style import BLACK, COLUMN_WIDTH, GREY, drawing
from mepflow.storage.csv_file import read_csv

_LINES: Final = ("solid", "dashed", "dotted", "dashdot")
_PANEL_HEIGHT: Final = 2.7
_LEGEND_ROW_HEIGHT: Final = 0.14
_LEGEND_COLUMNS: Final = 2


def plot_trade_off(
    table: Path, variants: Rows, outputs: Sequence[Path], style: str = "default"
) -> None:
    """Draw the median errors of both multipoles of every variant.

    ``table`` is the CSV file of :func:`mepflow.tables.trade_off_table.write_trade_off_table` of
    these ``variants``. A grey line joins the variants with the same atomic terms in the order of
    the dipole's share of the loss, those that learn dipoles or quadrupoles.
    """
    frame = read_csv(table, keep_default_na=False, na_values={"dipole_share": ""})
    trained = frame[frame["terms"] != ""]
    looks = appearances(variants)
    rows = -(-(len(trained) + trained["terms"].nunique()) // _LEGEND_COLUMNS)
    height = _PANEL_HEIGHT + _LEGEND_ROW_HEIGHT * rows
    with drawing(COLUMN_WIDTH, height, outputs, style) as figure:
        axes = figure.add_subplot()
        for line, (terms, of_terms) in zip(
            cycle(_LINES), trained.groupby("terms", sort=False), strict=False
        ):
            ordered = of_terms.dropna(subset="dipole_share").sort_values("dipole_share")
            axes.plot(
                ordered["median_dipole_rmse_e_bohr"],
                ordered["median_quadrupole_rmse_e_bohr2"],
                color=GREY,
                linestyle=line,
                linewidth=0.8,
                zorder=1,
                label=str(terms),
            )
        for _, row in trained.iterrows():
            _draw_point(axes, row, looks[row["representation"]])
        axes.set_xscale("log")
        axes.set_yscale("log")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.set_major_formatter(FormatStrFormatter("%g"))
            axis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("median RMSE of μ (e·bohr)")
        axes.set_ylabel("median RMSE of Θ′ (e·bohr²)")
        figure.legend(loc="outside upper center", ncols=_LEGEND_COLUMNS)


def _draw_point(axes: Axes, row: "pd.Series[Any]", look: Appearance) -> None:
    """Draw one variant with the 95 % intervals of both medians."""
    x, y = row["median_dipole_rmse_e_bohr"], row["median_quadrupole_rmse_e_bohr2"]
    width, height = (
        [row[f"median_{multipole}_{end}"] for end in ("low", "high")]
        for multipole in ("dipole", "quadrupole")
    )
    axes.hlines(y, *width, color=look.colour, linewidth=0.8)
    axes.vlines(x, *height, color=look.colour, linewidth=0.8)
    axes.plot(
        x,
        y,
        look.marker,
        color=look.colour,
        markeredgecolor=BLACK,
        markeredgewidth=0.5,
        markersize=5.0,
        linestyle="none",
        label=representation_label(row["representation"]),
        zorder=3,
    )

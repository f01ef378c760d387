"""Figure: errors on the test molecules over the size of the training set."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import (
    FixedLocator,
    FormatStrFormatter,
    LogLocator,
    NullFormatter,
    NullLocator,
)

from mepflow.naming import representation_label
from mepflow.plots.appearance import Appearance, Rows, appearances
from mepflow.plots.style import PAGE_WIDTH, drawing
from mepflow.storage.csv_file import read_csv

_PANELS: Final = {
    "rmse_kcal_per_mol_e": "the MEP (kcal/mol/e)",
    "dipole_rmse_e_bohr": "μ (e·bohr)",
    "quadrupole_rmse_e_bohr2": "Θ′ (e·bohr²)",
}
_HEIGHT: Final = 2.4


def plot_learning_curve(
    table: Path, variants: Rows, outputs: Sequence[Path], style: str = "default"
) -> None:
    """Draw the median errors of the MEP, dipole and quadrupole, a panel each.

    ``table`` is the CSV file of
    :func:`mepflow.tables.learning_curve_table.write_learning_curve_table`, with models of
    rows of ``variants``. Bars are the 95 % intervals of the medians over molecules; level lines are
    the baselines.
    """
    frame = read_csv(table)
    looks = appearances(variants)
    with drawing(PAGE_WIDTH, _HEIGHT, outputs, style) as figure:
        panels = figure.subplots(1, len(_PANELS), sharex=True, squeeze=False)[0]
        for axes, (column, label) in zip(panels, _PANELS.items(), strict=True):
            _draw_panel(axes, frame, column, looks)
            axes.set_ylabel(f"median RMSE of {label}")
            axes.set_xlabel("training structures")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))


def _draw_panel(
    axes: Axes, frame: pd.DataFrame, column: str, looks: Mapping[str, Appearance]
) -> None:
    trained = frame[frame["n_training"] > 0]
    for name, of_name in trained.groupby("representation", sort=False):
        look = looks[str(name)]
        x, median = of_name["n_training"], of_name[f"median_{column}"]
        axes.vlines(
            x, of_name[f"low_{column}"], of_name[f"high_{column}"], color=look.colour, linewidth=0.8
        )
        axes.plot(
            x,
            median,
            color=look.colour,
            marker=look.marker,
            linestyle=look.line,
            label=representation_label(str(name)),
        )
    for _, row in frame[frame["n_training"] == 0].iterrows():
        look = looks[row["representation"]]
        axes.axhline(
            row[f"median_{column}"],
            color=look.colour,
            linestyle=look.line,
            linewidth=0.7,
            zorder=0,
            label=representation_label(row["representation"]),
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sorted(trained["n_training"].unique())))
    axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.yaxis.set_minor_formatter(NullFormatter())

"""Figure: errors on the test molecules over the size of the training set."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from mepflow.naming import representation_label
from mepflow.plots.appearance import Appearance, Rows, appearances
from mepflow.plots.log_axes import log_axis
from mepflow.plots.marks import size_text
from mepflow.plots.style import BLACK, PAGE_WIDTH, drawing
from mepflow.storage.csv_file import read_csv

_MEP: Final = "rmse_kcal_per_mol_e"
_PANELS: Final = {
    _MEP: "the MEP (kcal/mol/e)",
    "dipole_rmse_e_bohr": "μ (e·bohr)",
    "quadrupole_rmse_e_bohr2": "Θ′ (e·bohr²)",
}
_HEIGHT: Final = 2.7
_APART: Final = 0.035
"""Factor between the places of two variants at one size: their intervals must not hide another."""


def plot_learning_curve(
    table: Path, variants: Rows, outputs: Sequence[Path], style: str = "default"
) -> None:
    """Draw the median errors of the MEP, dipole and quadrupole, a panel each.

    ``table`` is the CSV file of
    :func:`mepflow.tables.learning_curve_table.write_learning_curve_table`, with models of
    rows of ``variants``. Bars are the 95 % intervals of the medians over molecules. Level lines are
    the fits to the reference MEP, in the panel of the MEP alone: only of that are they floors.
    """
    frame = read_csv(table)
    looks = appearances(variants)
    with drawing(PAGE_WIDTH, _HEIGHT, outputs, style) as figure:
        panels = figure.subplots(1, len(_PANELS), sharex=True, squeeze=False)[0]
        for axes, (column, label) in zip(panels, _PANELS.items(), strict=True):
            _draw_curves(axes, frame[frame["n_training"] > 0], column, looks)
            if column == _MEP:
                _draw_floors(axes, frame[frame["n_training"] == 0], looks)
            log_axis(axes.yaxis)
            axes.set_ylabel(f"median RMSE of {label}")
            axes.set_xlabel("training structures")
        handles, labels = panels[0].get_legend_handles_labels()
        size = size_text(*frame[["n_structures", "n_molecules"]].max().astype(int))
        figure.legend(
            handles, labels, loc="outside upper center", ncols=min(4, len(labels)), title=size
        )


def _draw_curves(
    axes: Axes, trained: pd.DataFrame, column: str, looks: Mapping[str, Appearance]
) -> None:
    groups = list(trained.groupby("representation", sort=False))
    for position, (name, of_name) in enumerate(groups):
        look = looks[str(name)]
        x = of_name["n_training"] * np.exp(_APART * (position - 0.5 * (len(groups) - 1)))
        axes.vlines(
            x, of_name[f"low_{column}"], of_name[f"high_{column}"], color=look.colour, linewidth=1.0
        )
        axes.plot(
            x,
            of_name[f"median_{column}"],
            color=look.colour,
            marker=look.marker,
            markerfacecolor=look.face,
            markeredgecolor=BLACK,
            markeredgewidth=0.4,
            linestyle=look.line,
            label=representation_label(str(name)),
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sorted(trained["n_training"].unique())))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())


def _draw_floors(axes: Axes, floors: pd.DataFrame, looks: Mapping[str, Appearance]) -> None:
    for _, row in floors.iterrows():
        look = looks[row["representation"]]
        axes.axhline(
            row[f"median_{_MEP}"],
            color=look.colour,
            linestyle=look.line,
            linewidth=0.7,
            zorder=0,
            label=representation_label(row["representation"]),
        )

"""Figure: errors on the test molecules over the size of the training set."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pandas as pd
from matplotlib.axes import Axes

from mepflow.naming import representation_label
from mepflow.plots.appearance import Appearance, Rows, appearances
from mepflow.plots.log_axes import log_axis
from mepflow.plots.marks import size_text
from mepflow.plots.size_curves import draw_curves
from mepflow.plots.style import PAGE_WIDTH, drawing
from mepflow.storage.csv_file import read_csv

_MEP: Final = "rmse_kcal_per_mol_e"
_PANELS: Final = {
    _MEP: "the MEP (kcal/mol/e)",
    "dipole_rmse_e_bohr": "μ (e·bohr)",
    "quadrupole_rmse_e_bohr2": "Θ′ (e·bohr²)",
}
_HEIGHT: Final = 2.7


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
            columns = f"median_{column}", f"low_{column}", f"high_{column}"
            draw_curves(axes, frame[frame["n_training"] > 0], columns, looks)
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

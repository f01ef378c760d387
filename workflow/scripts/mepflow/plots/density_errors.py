"""Figure: errors of the density, the dipole and the potential, a row per source."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mepflow.naming import grid_label
from mepflow.plots.log_axes import log_axis
from mepflow.plots.style import BLACK, BLUE, GREY, PAGE_WIDTH, VERMILION, drawing
from mepflow.runs.density_settings import USUAL
from mepflow.storage.csv_file import read_csv
from mepflow.tables.densities_table import LABELS, MEP, density_label

_ROW_HEIGHT: Final = 0.24
_MARGIN: Final = 0.85
_SMALLEST: Final = 1e-3
"""What an exact constraint leaves is below any mark."""


def plot_density_errors(
    table: Path, grid: str, outputs: Sequence[Path], style: str = "default"
) -> None:
    """Draw the rows of ``table``, written by :mod:`mepflow.tables.densities_table`.

    Three panels on logarithmic axes: the density's error in per cent of the electrons, the dipole's
    in debye, the potential's on ``grid`` in kcal/mol/e.
    """
    frame = read_csv(table)
    rows = np.arange(len(frame))[::-1]
    panels = {
        "density_error_percent": "∫|Δρ|/N (%)",
        "dipole_error_debye": "error of μ (D)",
        f"{MEP}{grid}": f"RMSE of the MEP, {grid_label(grid)}\n(kcal/mol/e)",
    }
    height = _MARGIN + _ROW_HEIGHT * len(frame)
    with drawing(PAGE_WIDTH, height, outputs, style) as figure:
        for axes, (column, label) in zip(
            figure.subplots(1, len(panels), sharey=True), panels.items(), strict=True
        ):
            _draw(axes, frame, rows, column)
            axes.set_xlabel(label)
        first = figure.axes[0]
        first.set_yticks(rows, [density_label(name) for name in frame["name"]])
        first.set_ylim(-0.6, len(frame) - 0.4)


def _draw(axes: Axes, frame: pd.DataFrame, rows: "np.ndarray", column: str) -> None:
    shown = frame[column].to_numpy() > _SMALLEST
    colours = [_colour(name) for name in frame["name"][shown]]
    values = frame[column].to_numpy()[shown]
    axes.scatter(values, rows[shown], c=colours, s=22.0, zorder=3)
    axes.set_xscale("log")
    log_axis(axes.xaxis)
    axes.grid(axis="y", color=GREY, linewidth=0.3, alpha=0.5)
    axes.margins(x=0.12)
    for value, row, colour in zip(values, rows[shown], colours, strict=True):
        text = f"{value:.3g}"
        axes.annotate(
            text, (value, row), (0, 5), textcoords="offset points", ha="center", color=colour,
            fontsize=5.5,
        )  # fmt: skip


def _colour(name: str) -> str:
    """Return vermilion for models, blue for fits and free atoms, black for multipoles."""
    if name == USUAL or name.startswith(f"{USUAL}-"):
        return VERMILION
    return BLUE if name.partition("@")[0] in LABELS else BLACK

"""Figure: the smallest value of the potential on a surface, predicted against the reference."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mepflow.errors import InputError
from mepflow.evaluation.extrema import V_MIN
from mepflow.plots.appearance import Appearance, Rows, appearances
from mepflow.plots.marks import draw_marks, size_text
from mepflow.plots.panels import n_rows, panel_side, separator, square_panels
from mepflow.plots.style import drawing, picture_width
from mepflow.storage.csv_file import read_csv, read_rows

_TITLE_HEIGHT: Final = 0.5
_SYMBOL: Final = r"$V_\mathrm{min}$"
_MARGIN_HEIGHT: Final = 0.4
_MARGIN: Final = 0.06
"""Share of the range of values that stays free at either end."""


def plot_surface_minima(
    table: Path,
    values: Path,
    names: Sequence[str],
    variants: Rows,
    outputs: Sequence[Path],
    style: str = "default",
) -> None:
    """Draw V_min of every structure, a panel for each of ``names`` with one range of both axes.

    ``table`` and ``values`` are the CSV files of
    :func:`mepflow.tables.extrema_table.write_extrema_table`; ``names`` are rows of ``variants``.
    Marks are means over seeds, lines go from the smallest to the largest seed. Raises
    :class:`InputError` where the files lack one of the representations.
    """
    summary = read_csv(table)
    summary = summary[summary["quantity"] == V_MIN].set_index("representation")
    frame = read_rows(values)
    frame = frame[(frame["quantity"] == V_MIN) & frame["name"].isin(names)]
    if missing := set(names) - set(frame["name"]):
        raise InputError(f"{values} holds no potentials of {min(missing)}: make it again.")
    known = appearances(variants)
    low, high = _range(frame)
    height = _MARGIN_HEIGHT + (panel_side(len(names)) + _TITLE_HEIGHT) * n_rows(len(names))
    with drawing(picture_width(len(names)), height, outputs, style) as figure:
        panels = square_panels(figure, len(names), high)
        for axes, name in zip(panels, names, strict=True):
            axes.set(xlim=(low, high), ylim=(low, high))
            _draw(axes, frame[frame["name"] == name], known[name])
            axes.set_title(
                _title(name, *summary.loc[name, ["mae", "spearman"]].astype(float)), fontsize=6.5
            )
        size = size_text(frame["id"].nunique(), frame["molecule"].nunique())
        label = f"reference {_SYMBOL} (kcal/mol/e){separator(len(names), ',')}{size}"
        figure.supxlabel(label, fontsize=7.5)
        figure.supylabel(f"predicted {_SYMBOL} (kcal/mol/e)", fontsize=7.5)


def _range(frame: pd.DataFrame) -> tuple[float, float]:
    values = frame[["reference", "predicted"]].to_numpy()
    low, high = float(np.min(values)), float(np.max(values))
    margin = _MARGIN * max(high - low, 1.0)
    return low - margin, high + margin


def _draw(axes: Axes, frame: pd.DataFrame, look: Appearance) -> None:
    of_structures = frame.groupby("id", sort=False)
    true, predicted = of_structures["reference"].first(), of_structures["predicted"]
    axes.vlines(true, predicted.min(), predicted.max(), color=look.colour, linewidth=0.8)
    draw_marks(axes, true, predicted.mean(), look, size=3.5)


def _title(name: str, error: float, correlation: float) -> str:
    return f"{name}\nMAE {error:.2f}, rank correlation {correlation:.2f}"

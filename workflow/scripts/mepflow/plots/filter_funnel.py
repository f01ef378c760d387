"""Figure: how many molecules each filter leaves."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from mepflow.labels import reason_label
from mepflow.plots.style import BLUE, COLUMN_WIDTH, VERMILION, drawing

_ROW_HEIGHT = 0.30
_MARGIN_HEIGHT = 0.55


def plot_filter_funnel(
    steps: pd.DataFrame, outputs: Sequence[Path], style: str = "default"
) -> None:
    """Draw a bar of the molecules left after each filter, with the number it rejected.

    ``steps`` are those of :func:`mepflow.filters.funnel`: step (the first one is the archive),
    rejected, remaining.
    """
    labels = ["in the archive", *(reason_label(reason) for reason in steps["step"][1:])]
    rejected, remaining = steps["rejected"].tolist(), steps["remaining"].tolist()
    total = remaining[0]
    height = _MARGIN_HEIGHT + _ROW_HEIGHT * len(labels)
    with drawing(COLUMN_WIDTH, height, outputs, style) as figure:
        axes = figure.add_subplot()
        rows = range(len(labels))
        axes.barh(rows, remaining, height=0.7, color=BLUE)
        axes.barh(rows, rejected, left=remaining, height=0.7, color=VERMILION)
        for row, (left, taken) in enumerate(zip(remaining, rejected, strict=True)):
            _write(axes, 0.02 * total, row, f"{left:,}", "white")
            if taken:
                _write(axes, left + taken + 0.02 * total, row, f"−{taken:,}", VERMILION)
        axes.set_yticks(rows, labels)
        axes.invert_yaxis()
        axes.set_xlim(0, total)
        axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.set_xlabel("Molecules: remaining (blue), rejected (red)")
        axes.tick_params(axis="y", length=0)


def _write(axes: Axes, x: float, row: int, text: str, colour: str) -> None:
    axes.text(x, row, text, color=colour, verticalalignment="center", fontsize=6.5)

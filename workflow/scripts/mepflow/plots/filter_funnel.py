"""Figure: how many molecules each filter leaves."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from mepflow.naming import reason_label
from mepflow.plots.style import BLUE, COLUMN_WIDTH, VERMILION, drawing

_ROW_HEIGHT: Final = 0.22
_MARGIN_HEIGHT: Final = 0.55
# Right ends of the columns of numbers, in points from the axes; seven digits fit into each.
_REMAINING_END: Final = 36.0
_REJECTED_END: Final = 82.0


def plot_filter_funnel(
    steps: pd.DataFrame, outputs: Sequence[Path], style: str = "default"
) -> None:
    """Draw a bar of the molecules left after each filter, with the number it rejected.

    ``steps`` are those of :func:`mepflow.selection.verdicts.funnel`: step (the first one is the
    archive), rejected, remaining.
    """
    labels = ["in the archive", *(reason_label(reason) for reason in steps["step"][1:])]
    rejected, remaining = steps["rejected"].tolist(), steps["remaining"].tolist()
    height = _MARGIN_HEIGHT + _ROW_HEIGHT * len(labels)
    with drawing(COLUMN_WIDTH, height, outputs, style) as figure:
        axes = figure.add_subplot()
        rows = range(len(labels))
        axes.barh(rows, remaining, height=0.7, color=BLUE)
        axes.barh(rows, rejected, left=remaining, height=0.7, color=VERMILION)
        # Beside the bars, where they can be read however short a bar is.
        for row, (left, taken) in enumerate(zip(remaining, rejected, strict=True)):
            _write(axes, _REMAINING_END, row, f"{left:,}", BLUE)
            if taken:
                _write(axes, _REJECTED_END, row, f"−{taken:,}", VERMILION)
        axes.set_yticks(rows, labels)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        axes.set_xlim(0, remaining[0])
        axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.set_xlabel("Structures: remaining (blue), rejected (red)")
        axes.tick_params(axis="y", length=0)


def _write(axes: Axes, end: float, row: int, text: str, colour: str) -> None:
    axes.annotate(
        text,
        (1.0, row),
        (end, 0.0),
        xycoords=axes.get_yaxis_transform(),
        textcoords="offset points",
        horizontalalignment="right",
        verticalalignment="center",
        color=colour,
        fontsize=6.5,
    )

"""Figure: how many molecules each filter leaves."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from mepflow.naming import reason_label
from mepflow.plots.style import BLUE, COLUMN_WIDTH, ORANGE, drawing

_ROW_HEIGHT: Final = 0.2
_MARGIN_HEIGHT: Final = 0.75
_DIGIT: Final = 4.2
"""Width of a character of the numbers beside the bars, in points."""
_GAP: Final = 6.0
_LONG_NUMBER: Final = 100_000
"""From here on there is room for a single number beside the zero of the axis."""


def plot_filter_funnel(
    steps: pd.DataFrame, outputs: Sequence[Path], style: str = "default"
) -> None:
    """Draw a bar of the structures left after each filter, with the number it rejected.

    ``steps`` are those of :func:`mepflow.selection.verdicts.funnel`: step (the first one is the
    archive), rejected, remaining.
    """
    labels = ["in the archive", *(reason_label(reason) for reason in steps["step"][1:])]
    rejected, remaining = steps["rejected"].tolist(), steps["remaining"].tolist()
    texts = [f"{left:,}" for left in remaining], [f"−{n:,}" if n else "" for n in rejected]
    # Beside the bars, where the numbers can be read however short a bar is.
    ends = [_GAP + _DIGIT * max(map(len, texts[0]))]
    ends.append(ends[0] + _GAP + _DIGIT * max(map(len, texts[1])))
    height = _MARGIN_HEIGHT + _ROW_HEIGHT * len(labels)
    with drawing(COLUMN_WIDTH, height, outputs, style) as figure:
        axes = figure.add_subplot()
        rows = range(len(labels))
        axes.barh(rows, remaining, height=0.7, color=BLUE, label="remaining")
        axes.barh(
            rows,
            rejected,
            left=remaining,
            height=0.7,
            color=ORANGE,
            hatch="/////",
            edgecolor="black",
            linewidth=0.3,
            label="rejected",
        )
        for column, end in zip(texts, ends, strict=True):
            for row, text in enumerate(column):
                _write(axes, end, row, text)
        axes.set_yticks(rows, labels)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        axes.set_xlim(0, remaining[0])
        ticks = 3 if remaining[0] < _LONG_NUMBER else 1
        axes.xaxis.set_major_locator(MaxNLocator(ticks, integer=True))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.set_xlabel("structures")
        axes.tick_params(axis="y", length=0)
        figure.legend(loc="outside upper center", ncols=2, handlelength=2.0)


def _write(axes: Axes, end: float, row: int, text: str) -> None:
    """Write a number that ends ``end`` points to the right of the axes."""
    if not text:
        return
    axes.annotate(
        text,
        (1.0, row),
        (end, 0.0),
        xycoords=axes.get_yaxis_transform(),
        textcoords="offset points",
        horizontalalignment="right",
        verticalalignment="center",
        fontsize=6.5,
    )

"""Panels of a figure that shows every variant the same way."""

import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FormatStrFormatter, LogLocator, MaxNLocator, NullFormatter

from mepflow.errors import InputError
from mepflow.evaluation.predictions_file import load_predictions, matched_reference
from mepflow.evaluation.sources import Source
from mepflow.evaluation.statistics import Summary
from mepflow.molecules import MoleculeTable
from mepflow.plots.style import BLACK, COLUMN_WIDTH, PAGE_WIDTH

FloatArray = npt.NDArray[np.float64]

COLUMNS: Final = 5
"""Panels in a row of a page-wide figure."""
_MARGIN_WIDTH: Final = 1.0
"""Width in inch of what stands beside the panels: labels and a colour bar."""


def by_name(sources: Sequence[Source]) -> dict[str, list[Source]]:
    """Return the sources of each representation, in the order in which the names appear."""
    if not sources:
        raise InputError("a figure of model variants needs at least one: list it in the config.")
    return {
        name: [source for source in sources if source.name == name]
        for name in dict.fromkeys(source.name for source in sources)
    }


def write_median(axes: Axes, row: float, summary: Summary, size: float = 6.5) -> None:
    """Write a median with its 95 % interval to the right of a row, with letters of ``size``."""
    axes.text(
        1.01,
        row,
        f"{summary.median:.2f}  [{summary.median_low:.2f}, {summary.median_high:.2f}]",
        transform=axes.get_yaxis_transform(),
        verticalalignment="center",
        fontsize=size,
    )


def n_rows(n_panels: int) -> int:
    """Return the number of rows of panels."""
    return math.ceil(n_panels / COLUMNS)


def width(n_panels: int) -> float:
    """Return the width in inch of a figure of ``n_panels``: a page's, less where they are few."""
    share = min(n_panels, COLUMNS) / COLUMNS
    return max(COLUMN_WIDTH, _MARGIN_WIDTH + (PAGE_WIDTH - _MARGIN_WIDTH) * share)


def square_panels(figure: Figure | SubFigure, n_panels: int, limit: float) -> list[Axes]:
    """Return square panels whose axes both run from −limit to limit, labelled at the edge only."""
    columns = min(COLUMNS, n_panels)
    grid = figure.subplots(n_rows(n_panels), columns, sharex=True, sharey=True, squeeze=False)
    panels = list(grid.ravel())
    for empty in panels[n_panels:]:
        empty.set_visible(False)
    for above in panels[max(0, n_panels - columns) : (n_rows(n_panels) - 1) * columns]:
        above.xaxis.set_tick_params(labelbottom=True)
    for axes in panels[:n_panels]:
        axes.set_aspect("equal")
        axes.set_xlim(-limit, limit)
        axes.set_ylim(-limit, limit)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        axes.axline((0.0, 0.0), slope=1.0, color=BLACK, linewidth=0.5)
    return panels[:n_panels]


def matched_tables(
    sources: Sequence[Source], reference: MoleculeTable
) -> Iterator[tuple[MoleculeTable, MoleculeTable]]:
    """Yield each predictions file's table with the reference in the same rows."""
    for source in sources:
        predicted = load_predictions(source.path)
        yield predicted, matched_reference(predicted, reference, source.path)


def log_axis(axes: Axes) -> None:
    """Give errors a logarithmic scale that is written in plain numbers."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.xaxis.set_minor_formatter(NullFormatter())

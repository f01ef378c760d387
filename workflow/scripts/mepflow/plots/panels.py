"""Panels of a figure that shows every variant the same way."""

import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator

from mepflow.errors import InputError
from mepflow.evaluation.predictions_file import load_predictions, matched_reference
from mepflow.evaluation.sources import Source
from mepflow.molecules import MoleculeTable
from mepflow.plots.style import BLACK, COLUMN_WIDTH, picture_width

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


def n_columns(n_panels: int) -> int:
    """Return the number of panels in a row."""
    return min(n_panels, COLUMNS)


def n_rows(n_panels: int) -> int:
    """Return the number of rows of panels."""
    return math.ceil(n_panels / COLUMNS)


def panel_side(n_panels: int) -> float:
    """Return the side in inch of square panels that fill the figure."""
    return (picture_width(n_panels) - _MARGIN_WIDTH) / n_columns(n_panels)


def separator(n_panels: int, mark: str) -> str:
    """Return what joins two parts of a label: a mark, and a new line where the figure is narrow."""
    return f"{mark}\n" if picture_width(n_panels) == COLUMN_WIDTH else f"{mark} "


def square_panels(figure: Figure | SubFigure, n_panels: int, limit: float) -> list[Axes]:
    """Return square panels whose axes both run from −limit to limit, labelled at the edge only."""
    columns = n_columns(n_panels)
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

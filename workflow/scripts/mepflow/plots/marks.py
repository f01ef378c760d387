"""How averages and single values of a test set are drawn and written, alike in all figures."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from mepflow.evaluation.statistics import Summary
from mepflow.plots.appearance import Appearance
from mepflow.plots.style import BLACK

FloatArray = npt.NDArray[np.float64]

NO_MODEL: Final = "no model (V = 0)"
"""What the size of the reference itself is called: the error of a potential that is zero."""
MARK_HANDLE: Final = 1.2
"""Length of a legend's handles that are marks without a line."""
_RIM: Final = 0.5
_SINGLE_SIZE: Final = 2.8
"""Size of the mark of a single molecule in points."""


def draw_marks(
    axes: Axes,
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    look: Appearance,
    *,
    size: float = 4.0,
    label: str = "",
) -> None:
    """Draw rimmed marks of a representation, without a line."""
    axes.plot(
        x,
        y,
        look.marker,
        linestyle="none",
        color=look.colour,
        markersize=size,
        markerfacecolor=look.face,
        markeredgecolor=BLACK,
        markeredgewidth=_RIM,
        label=label or None,
        zorder=3,
    )


def draw_singles(axes: Axes, x: npt.ArrayLike, y: npt.ArrayLike, look: Appearance) -> None:
    """Draw small marks, one for each of the molecules, which are too few for an interval."""
    draw_marks(axes, x, y, look, size=_SINGLE_SIZE)


def write_median(axes: Axes, row: float, summary: Summary, size: float = 6.5) -> None:
    """Write a median with its 95 % interval to the right of a row, with letters of ``size``."""
    interval = f"  [{summary.median_low:.2f}, {summary.median_high:.2f}]"
    axes.text(
        1.01,
        row,
        f"{summary.median:.2f}" + ("" if pd.isna(summary.median_low) else interval),
        transform=axes.get_yaxis_transform(),
        verticalalignment="center",
        fontsize=size,
    )


def size_text(n_structures: int, n_molecules: int, of: str = "test") -> str:
    """Return how large a set is: its molecules, and its structures where these are more."""
    if n_structures == n_molecules:
        return f"{n_molecules:,} {of} molecule{'s' * (n_molecules != 1)}"
    return f"{n_structures:,} {of} structures of {n_molecules:,} molecule{'s' * (n_molecules != 1)}"


def joined(names: Sequence[str]) -> str:
    """Return names as in a sentence."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last

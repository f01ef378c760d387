"""Curves of an error by distance from the van der Waals surface, with bands of intervals."""

from collections.abc import Mapping
from typing import Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba

from mepflow.naming import representation_label
from mepflow.plots.appearance import Appearance
from mepflow.plots.log_axes import log_axis
from mepflow.plots.marks import NO_MODEL
from mepflow.plots.style import BLACK, GREY

DISTANCE_LABEL: Final = "distance from the van der Waals surface (Å)"
_SIZE: Final = "median_reference_rms_kcal_per_mol_e"


def draw_distance_curves(
    axes: Axes,
    frame: pd.DataFrame,
    looks: Mapping[str, Appearance],
    median: str,
    low: str,
    high: str,
) -> None:
    """Draw a curve for each representation, its band, and the size of the reference itself.

    ``frame`` has a row per representation and bin of distances, its middle in Å in the column
    ``order``; the others name the columns of the medians and the ends of their intervals.
    """
    for name, look in looks.items():
        of_name = frame[frame["representation"] == name]
        axes.fill_between(
            of_name["order"], of_name[low], of_name[high], color=look.colour, alpha=0.15, lw=0
        )
        axes.plot(
            of_name["order"],
            of_name[median],
            color=look.colour,
            marker=look.marker,
            markerfacecolor=look.face,
            markeredgecolor=BLACK,
            markeredgewidth=0.4,
            linestyle=look.line,
            label=representation_label(name),
        )
    first = frame[frame["representation"] == next(iter(looks))]
    grey = to_rgba(GREY, 0.5)
    axes.plot(first["order"], first[_SIZE], color=grey, linewidth=2.5, label=NO_MODEL)
    log_axis(axes.yaxis)
    axes.set_xlim(left=0.0)
    axes.set_xlabel(DISTANCE_LABEL)

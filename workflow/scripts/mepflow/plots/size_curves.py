"""Errors over the size of the training set: a line per variant, with intervals."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from mepflow.naming import representation_label
from mepflow.plots.appearance import Appearance
from mepflow.plots.style import BLACK

_APART: Final = 0.035
"""Factor between the places of two variants at one size: their intervals must not hide another."""


def draw_curves(
    axes: Axes,
    trained: pd.DataFrame,
    columns: tuple[str, str, str],
    looks: Mapping[str, Appearance],
) -> None:
    """Draw a line for each ``representation`` of a frame over ``n_training``, on a log axis.

    ``columns`` are those of the error and of the ends of its interval.
    """
    value, low, high = columns
    groups = list(trained.groupby("representation", sort=False))
    for position, (name, of_name) in enumerate(groups):
        look = looks[str(name)]
        x = of_name["n_training"] * np.exp(_APART * (position - 0.5 * (len(groups) - 1)))
        axes.vlines(x, of_name[low], of_name[high], color=look.colour, linewidth=1.0)
        axes.plot(
            x,
            of_name[value],
            color=look.colour,
            marker=look.marker,
            markerfacecolor=look.face,
            markeredgecolor=BLACK,
            markeredgewidth=0.4,
            linestyle=look.line,
            label=representation_label(str(name)),
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sorted(trained["n_training"].unique())))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())

"""Panels side by side with a row for each representation, the same rows in all."""

from collections.abc import Mapping, Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mepflow.naming import BASELINES, representation_label
from mepflow.plots.appearance import Appearance
from mepflow.plots.log_axes import log_axis
from mepflow.plots.style import BLACK, LIGHT_GREY

ROW_HEIGHT: Final = 0.21
"""Height of a row in inch."""
_MOST_TICKS: Final = 5


def row_panels(
    figure: Figure, looks: Mapping[str, Appearance], titles: Sequence[str]
) -> list[Axes]:
    """Return a panel for each title, with rows 0, 1, … for the representations from top to bottom.

    A line stands between models and baselines. Errors go along the logarithmic axes, which all
    panels share.
    """
    panels = figure.subplots(1, len(titles), sharex=True, sharey=True, squeeze=False)[0]
    models = sum(name not in BASELINES for name in looks)
    for axes, title in zip(panels, titles, strict=True):
        axes.set_title(title)
        for row in range(len(looks)):
            axes.axhline(row, color=LIGHT_GREY, linewidth=0.4, zorder=0)
        if 0 < models < len(looks):
            axes.axhline(models - 0.5, color=BLACK, linewidth=0.5)
        axes.tick_params(axis="y", length=0)
        log_axis(axes.xaxis, most=_MOST_TICKS)
    panels[0].set_yticks(range(len(looks)), [representation_label(name) for name in looks])
    panels[0].set_ylim(len(looks) - 0.5, -0.5)
    return list(panels)

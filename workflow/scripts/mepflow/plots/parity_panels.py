"""Panels of predicted against reference numbers, such as one for each variant."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure, SubFigure

from mepflow.plots.panels import square_panels

FloatArray = npt.NDArray[np.float64]
Pair = tuple[FloatArray, FloatArray]
"""Reference and predicted numbers, flat."""

_LIMIT_FACTOR: Final = 1.6
"""Predictions beyond this multiple of the largest reference value are counted, not shown."""


def draw_parity(
    part: Figure | SubFigure,
    pairs: Mapping[str, Pair],
    colours: Mapping[str, str],
    digits: str,
    unit: str = "",
) -> None:
    """Draw a panel for each pair, all with one scale, with its name and RMSE for a title.

    ``digits`` is how the RMSE is written, such as ``.3f``, and ``unit`` what follows it.
    """
    largest = max(float(np.abs(true).max()) for true, _ in pairs.values())
    extreme = max(float(np.abs(predicted).max()) for _, predicted in pairs.values())
    limit = 1.08 * min(max(largest, extreme), _LIMIT_FACTOR * largest)
    panels = square_panels(part, len(pairs), limit)
    for axes, (name, (true, predicted)) in zip(panels, pairs.items(), strict=True):
        # Many points cover each other: they get fainter, down to a bound.
        alpha = float(np.clip(300.0 / len(true), 0.05, 0.7))
        axes.scatter(
            true,
            predicted,
            s=4.0,
            color=colours[name],
            alpha=alpha,
            lw=0,
            rasterized=True,
        )
        rmse = np.sqrt(np.mean((predicted - true) ** 2))
        outside = int(np.sum(np.abs(predicted) > limit))
        more = f"\n{outside:,} of {len(true):,} outside" if outside else ""
        axes.set_title(f"{name}\nRMSE {rmse:{digits}}{unit}{more}", fontsize=6.0)

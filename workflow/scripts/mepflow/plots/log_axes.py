"""Logarithmic axes whose ticks are plain numbers, few enough to be read and never colliding."""

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, Locator, LogLocator, MaxNLocator, NullFormatter

_LADDERS: Final = (
    (1.0, 1.5, 2.0, 3.0, 5.0, 7.0),
    (1.0, 2.0, 5.0),
    (1.0, 3.0),
    (1.0,),
)
"""Numbers of a decade that may have a tick, from many to few."""
_FEWEST: Final = 3
_PLAIN: Final = (1e-3, 1e5)
"""Numbers from the first to the second are written without a power of ten."""


class LogTicks(Locator):
    """Ticks at round numbers: at most ``most``, but at least three where the range is short."""

    def __init__(self, most: int = 7) -> None:
        self._most = most

    def __call__(self) -> list[float]:
        """Return the ticks within the limits of the axis."""
        assert self.axis is not None
        return self.tick_values(*self.axis.get_view_interval())

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        """Return the ticks between two positive limits."""
        low, high = sorted((float(vmin), float(vmax)))
        tried = [_between(ladder, low, high) for ladder in _LADDERS]
        ticks = next((one for one in tried if len(one) <= self._most), tried[-1])
        if len(ticks) >= _FEWEST:
            return ticks[:: -(-len(ticks) // self._most)]
        ticks = list(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
        return [tick for tick in ticks if low <= tick <= high]


def _between(ladder: tuple[float, ...], low: float, high: float) -> list[float]:
    decades = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1.0)
    ticks = np.outer(10.0**decades, ladder).ravel()
    # A tick at a limit belongs to the axis; rounding must not take it away.
    within = (ticks >= low * (1.0 - 1e-9)) & (ticks <= high * (1.0 + 1e-9))
    return [float(tick) for tick in ticks[within]]


def tick_text(value: float) -> str:
    """Return a tick's text: a plain number where that is short, else with a power of ten."""
    if _PLAIN[0] <= value < _PLAIN[1]:
        return f"{value:.10g}"
    mantissa, _, exponent = f"{value:e}".partition("e")
    factor = "" if float(mantissa) == 1.0 else rf"{float(mantissa):g}{{\times}}"
    return f"${factor}10^{{{int(exponent)}}}$"


def log_axis(axis: Axis, most: int = 7) -> None:
    """Give an axis a logarithmic scale with at most ``most`` labelled ticks."""
    axes: Axes = axis.axes
    (axes.set_xscale if axis is axes.xaxis else axes.set_yscale)("log")
    axis.set_major_locator(LogTicks(most))
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick_text(value)))
    axis.set_minor_locator(LogLocator(subs=tuple(range(1, 10))))
    axis.set_minor_formatter(NullFormatter())

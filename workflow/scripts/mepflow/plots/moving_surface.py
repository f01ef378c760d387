"""Figure: the potential on the surface of a molecule at rest, and its mean and spread in motion."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from mepflow.dynamics.surface_motion import SurfaceMotion
from mepflow.plots.rendering import Picture, render, view_axes
from mepflow.plots.style import COUNT_MAP, DIVERGING_MAP, PAGE_WIDTH, drawing, symmetric_limit
from mepflow.units import HARTREE_PER_E_IN_KCAL_PER_MOL_E

FloatArray = npt.NDArray[np.float64]

_PIXELS_PER_INCH: Final = 300
_BARS: Final = 1.6
_TITLES: Final = 0.4


def plot_moving_surface(surface: Path, outputs: Sequence[Path], style: str = "default") -> None:
    """Draw a file of :mod:`mepflow.dynamics.surface_motion`, in kcal/mol/e."""
    found = SurfaceMotion.load(surface)
    view = view_axes(found.positions)
    factor = HARTREE_PER_E_IN_KCAL_PER_MOL_E
    rest, mean, spread = (factor * one for one in (found.at_rest, found.mean, found.spread))
    across, up = np.ptp(found.vertices @ view[:2].T, axis=0)
    width = (PAGE_WIDTH - _BARS) / 3.0
    pixel = float(max(across, up)) / (_PIXELS_PER_INCH * width)
    limit, highest = symmetric_limit([rest, mean]), symmetric_limit([spread])
    with drawing(PAGE_WIDTH, _TITLES + width * float(up / across), outputs, style) as figure:
        panels = list(figure.subplots(1, 3))
        for axes, values, title in (
            (panels[0], rest, "at rest"),
            (panels[1], mean, f"mean of {found.n_frames} frames"),
        ):
            _draw(axes, render(found.surface, values, view, pixel), DIVERGING_MAP, limit, title)
        # The picture's scale goes from −1 to 1: spreads, which are positive, fill all of it.
        shifted = 2.0 * spread / highest - 1.0
        title = "standard deviation"
        _draw(panels[2], render(found.surface, shifted, view, pixel), COUNT_MAP, 1.0, title)
        _add_bar(figure, panels[:2], (-limit, limit), DIVERGING_MAP, "MEP (kcal/mol/e)")
        _add_bar(figure, panels[2:], (0.0, highest), COUNT_MAP, "spread (kcal/mol/e)")


def _draw(axes: Axes, picture: Picture, colours: str, limit: float, title: str) -> None:
    left, right, bottom, top = picture.extent
    axes.imshow(picture.colours(colours, limit), origin="lower", extent=(left, right, bottom, top))
    axes.set_axis_off()
    axes.set_title(title)


def _add_bar(
    figure: Any, panels: Sequence[Axes], ends: tuple[float, float], colours: str, label: str
) -> None:
    scale = ScalarMappable(Normalize(*ends), colours)
    figure.colorbar(scale, ax=list(panels), label=label, extend="max", pad=0.01, aspect=15)

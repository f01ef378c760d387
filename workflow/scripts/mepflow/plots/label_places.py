"""Labels beside points: each where it covers no other label, no point and no border."""

from collections.abc import Sequence
from itertools import pairwise, product
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from mepflow.plots.style import GREY, HALO

FloatArray = npt.NDArray[np.float64]

_DIRECTIONS: Final = ((1, 1), (-1, 1), (1, -1), (-1, -1), (1, 0), (-1, 0), (0, 1), (0, -1))
_DISTANCES: Final = (4.5, 9.0, 16.0, 24.0, 34.0)
"""How far from a point its label may stand, in points; the nearer ones are tried first."""
_JOINED: Final = 9.0
"""From this distance on a thin line joins a label to its point."""
_PER_POINT: Final = 1.5
"""What a point of distance costs, as square points of lines that a label covers."""
_TAKEN: Final = 30.0
"""What a covered part of a point or another label costs, as a multiple of that of a line."""
_LINES: Final = 0.35
"""What a covered part of a line costs, for each square point of it."""
_OUTSIDE: Final = 30.0
"""What a part outside of the axes costs, as that of a label."""
_POINT: Final = 7.0
"""Side of the square around a point, in points, that no label may cover."""
_LINE: Final = 1.5
"""The same around the points of a line, which a label may cover where it must."""
_JOINING: Final[dict[str, Any]] = {
    "arrowstyle": "-",
    "color": GREY,
    "lw": 0.4,
    "shrinkA": 0,
    "shrinkB": 3,
}
_LESS_UP: Final = 0.6
"""Share of the distance by which a label beside a point stands higher or lower."""
_HORIZONTAL: Final = {1: "left", 0: "center", -1: "right"}
_VERTICAL: Final = {1: "bottom", 0: "center", -1: "top"}


def label_points(
    figure: Figure, axes: Axes, points: Sequence[tuple[float, float]], labels: Sequence[str]
) -> None:
    """Write a label beside each of the points, which are in the coordinates of the data.

    The limits of the axes must be final, and what the labels shall not cover be drawn. The labels
    take their places one after another, each the place around its point that costs least.
    """
    figure.draw_without_rendering()  # lays the axes out: the places are in pixels
    pixel = figure.dpi / 72.0
    centres = axes.transData.transform(points)
    taken = _squares(centres, _POINT * pixel)
    lines = _squares(_on_lines(axes, _LINE * pixel), _LINE * pixel)
    border = np.array([axes.get_window_extent().extents])
    for point, centre, text in zip(points, centres, labels, strict=True):
        size = _size(axes, text, point)
        places = list(product(_DISTANCES, _DIRECTIONS))
        boxes = np.array([_box(centre, size, *place, pixel) for place in places])
        costs = _PER_POINT * pixel**2 * np.array([distance for distance, _ in places])
        costs += _TAKEN * _covered(boxes, taken) + _LINES * _covered(boxes, lines)
        costs += _OUTSIDE * (size[0] * size[1] - _covered(boxes, border))
        best = int(np.argmin(np.round(costs, 3)))
        _write(axes, text, point, *places[best])
        taken = np.vstack([taken, boxes[best]])


def _write(
    axes: Axes, text: str, point: tuple[float, float], distance: float, direction: tuple[int, int]
) -> Annotation:
    right, up = direction
    return axes.annotate(
        text,
        point,
        (distance * right, distance * up * (_LESS_UP if right else 1.0)),
        textcoords="offset points",
        horizontalalignment=_HORIZONTAL[right],
        verticalalignment=_VERTICAL[up],
        fontsize=6.0,
        zorder=4,
        path_effects=HALO,
        arrowprops=_JOINING if distance >= _JOINED else None,
    )


def _size(axes: Axes, text: str, point: tuple[float, float]) -> tuple[float, float]:
    """Return the width and the height of a label of a point in the axes, in pixels."""
    label = _write(axes, text, point, 0.0, (0, 0))
    box = label.get_window_extent()
    label.remove()
    return float(box.width), float(box.height)


def _box(
    centre: FloatArray,
    size: tuple[float, float],
    distance: float,
    direction: tuple[int, int],
    pixel: float,
) -> FloatArray:
    """Return the left, lower, right and upper end of a label beside a point, in pixels."""
    right, up = direction
    shift = np.array([right, up * (_LESS_UP if right else 1.0)]) * distance * pixel
    middle = centre + shift + 0.5 * np.array([right, up]) * size
    return np.concatenate([middle - 0.5 * np.array(size), middle + 0.5 * np.array(size)])


def _squares(centres: FloatArray, side: float) -> FloatArray:
    """Return squares (k, 4) around points (k, 2) by their ends, as :func:`_box` does."""
    return np.hstack([centres - 0.5 * side, centres + 0.5 * side])


def _on_lines(axes: Axes, step: float) -> FloatArray:
    """Return points (k, 2) in pixels along the lines in the axes, ``step`` from one to the next."""
    paths = [axes.transData.transform(line.get_xydata()) for line in axes.lines]
    paths += [
        axes.transData.transform(segment)
        for lines in axes.collections
        if isinstance(lines, LineCollection)
        for segment in lines.get_segments()
    ]
    found = [np.empty((0, 2))]
    for path in paths:
        for start, end in pairwise(path):
            length = np.linalg.norm(end - start)
            if np.isfinite(length):
                share = np.linspace(0.0, 1.0, 2 + int(length / step))[:, None]
                found.append(start + share * (end - start))
    return np.concatenate(found)


def _covered(boxes: FloatArray, others: FloatArray) -> FloatArray:
    """Return how much (n,) of the area of ``others`` (k, 4) each of ``boxes`` (n, 4) covers."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    return np.asarray(np.prod(np.maximum(high - low, 0.0), axis=-1).sum(axis=-1))

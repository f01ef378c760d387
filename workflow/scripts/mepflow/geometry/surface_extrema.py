"""Local extrema of a quantity on a molecular surface."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from mepflow.geometry.surfaces import Surface
from mepflow.units import ANGSTROM_IN_BOHR

FloatArray = npt.NDArray[np.float64]

NEIGHBOURHOOD_BOHR: Final = 1.0 * ANGSTROM_IN_BOHR
"""An extremum is above or below every vertex within this distance."""


@dataclass(frozen=True)
class Extremum:
    """A local maximum or minimum: its value, and the vertex where it is, counted from 0."""

    is_maximum: bool
    value: float
    vertex: int


def extrema(surface: Surface, values: FloatArray) -> list[Extremum]:
    """Return the local extrema of ``values`` (n,) at the vertices, those of largest size first.

    Maxima come before minima. Minima that are positive and maxima that are negative are left out,
    unless they are the lowest and the highest value of all.
    """
    near = cKDTree(surface.vertices).query_ball_point(surface.vertices, NEIGHBOURHOOD_BOHR)
    lowest, highest = int(np.argmin(values)), int(np.argmax(values))
    found = []
    for vertex, others in enumerate(near):
        value, around = values[vertex], values[others]
        is_maximum = bool(value == around.max() and (value > 0 or vertex == highest))
        is_minimum = bool(value == around.min() and (value < 0 or vertex == lowest))
        if is_maximum or is_minimum:
            found.append(Extremum(is_maximum, float(value), vertex))
    return sorted(found, key=lambda one: (not one.is_maximum, -abs(one.value)))

"""Points and spheres: evenly spread points on one, and which points lie outside all of them."""

import ctypes
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from mepflow import compiler

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SOURCE: Final = Path(__file__).with_name("spheres.cpp")

_GOLDEN_ANGLE: Final = np.pi * (3.0 - np.sqrt(5.0))
_INSIDE_TOLERANCE: Final = 1e-9
"""Relative: a point on a sphere is outside it, however it is rounded."""
_BLOCK_NUMBERS: Final = 1 << 18


@lru_cache(maxsize=256)
def unit_sphere(count: int) -> FloatArray:
    """Return ``count`` points of a Fibonacci spiral on the unit sphere, shape (count, 3)."""
    index = np.arange(count) + 0.5
    height = 1.0 - 2.0 * index / count
    ring = np.sqrt(1.0 - height**2)
    angle = _GOLDEN_ANGLE * index
    points = np.stack([ring * np.cos(angle), ring * np.sin(angle), height], axis=1)
    points.flags.writeable = False
    return points


def outer_surface(centres: FloatArray, radii: FloatArray, density: float) -> FloatArray:
    """Return evenly spread points (p, 3) on spheres, without those inside another sphere.

    ``centres`` (n, 3) and ``radii`` (n,) are in one unit of length, ``density`` is in points per
    square of it. The points are in the order of the spheres.
    """
    counts = np.ceil(4 * np.pi * radii**2 * density).astype(np.int64)
    spheres = zip(counts.tolist(), radii.tolist(), strict=True)
    offsets = np.concatenate([_sphere(count, radius) for count, radius in spheres])
    library = _library()
    if library is None:
        own = np.repeat(np.arange(len(radii)), counts)
        points = centres[own] + offsets
        return np.asarray(points[outside_spheres(points, centres, radii, own)])
    found = np.empty_like(offsets)
    arrays = (offsets, counts, np.ascontiguousarray(centres, np.float64), _squares(radii), found)
    count = library.outer_surface(
        *(ctypes.c_void_p(array.ctypes.data) for array in arrays), ctypes.c_int64(len(radii))
    )
    return found[:count].copy()


@lru_cache(maxsize=256)
def _sphere(count: int, radius: float) -> FloatArray:
    return radius * unit_sphere(count)


def _squares(radii: FloatArray) -> FloatArray:
    return np.asarray((radii * (1.0 - _INSIDE_TOLERANCE)) ** 2, dtype=np.float64)


def outside_spheres(
    points: FloatArray, centres: FloatArray, radii: FloatArray, own: IntArray | None = None
) -> npt.NDArray[np.bool_]:
    """Return, for each point (p, 3), whether it lies outside every sphere, or on its surface.

    ``own`` (p,) is the number of a sphere that does not count for a point.
    """
    squares = _squares(radii)
    library = _library()
    if library is None:
        return _outside_in_blocks(points, centres, squares, own)
    outside = np.empty(len(points), dtype=np.bool_)
    arrays = [np.ascontiguousarray(array, np.float64) for array in (points, centres, squares)]
    owners = None if own is None else np.ascontiguousarray(own, np.int64)
    library.outside_spheres(
        *(ctypes.c_void_p(array.ctypes.data) for array in arrays),
        ctypes.c_void_p(None if owners is None else owners.ctypes.data),
        ctypes.c_void_p(outside.ctypes.data),
        *map(ctypes.c_int64, (len(points), len(centres))),
    )
    return outside


def _outside_in_blocks(
    points: FloatArray, centres: FloatArray, squares: FloatArray, own: IntArray | None
) -> npt.NDArray[np.bool_]:
    outside = np.ones(len(points), dtype=np.bool_)
    size = max(1, _BLOCK_NUMBERS // max(1, len(centres)))
    for first in range(0, len(points), size):
        rows = slice(first, first + size)
        vectors = points[rows, None] - centres
        inside = np.einsum("psx,psx->ps", vectors, vectors) < squares
        if own is not None:
            inside[np.arange(len(inside)), own[rows]] = False
        outside[rows] = ~inside.any(axis=1)
    return outside


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL | None:
    library = compiler.load(SOURCE, "points around molecules")
    if library is not None:
        library.outer_surface.restype = ctypes.c_int64
    return library

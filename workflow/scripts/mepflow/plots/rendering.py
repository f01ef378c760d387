"""Pictures of closed meshes: parallel projection, hidden parts removed, shaded by one light.

Every pixel takes its value and its normal by linear interpolation in the foremost triangle there,
so colours and shades are smooth although the mesh is coarse.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps

from mepflow.geometry.surfaces import Surface

FloatArray = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_TILT: Final = np.deg2rad(30.0)
"""How far the molecule is turned from its flat side: the plane of a ring then shows its depth."""
_LIGHT: Final = np.array([-0.4, 0.6, 0.7]) / np.linalg.norm([-0.4, 0.6, 0.7])
_AMBIENT: Final = 0.78
"""Brightness away from the light: high, since a shade must not be taken for a value."""
_GLOSS: Final = 0.18
_GLOSS_POWER: Final = 24
_EDGE_TOLERANCE: Final = 1e-9
_MARGIN_PIXELS: Final = 2


@dataclass(frozen=True)
class Picture:
    """Pixels (h, w), the lowest row first, of a surface seen along the third axis of a view.

    ``scalars`` are interpolated from the vertices and ``light`` (h, w, 2) is the diffuse and the
    glossy share of it; both are NaN where ``drawn`` is false. ``extent`` is (left, right, bottom,
    top) in bohr, in the frame of the view.
    """

    scalars: FloatArray
    light: FloatArray
    drawn: Mask
    extent: tuple[float, float, float, float]

    def colours(self, colour_map: str, limit: float) -> FloatArray:
        """Return the shaded colours (h, w, 4) of scalars between −``limit`` and ``limit``."""
        scaled = 0.5 + 0.5 * np.nan_to_num(self.scalars) / limit
        colours = np.asarray(colormaps[colour_map](np.clip(scaled, 0.0, 1.0)), dtype=np.float64)
        light = np.nan_to_num(self.light)
        shaded = colours[..., :3] * (_AMBIENT + (1.0 - _AMBIENT) * light[..., :1])
        colours[..., :3] = shaded + _GLOSS * light[..., 1:] * (1.0 - shaded)
        colours[..., 3] = self.drawn
        return colours


def view_axes(positions: FloatArray) -> FloatArray:
    """Return orthonormal axes (3, 3), right, up and towards the viewer, for atoms at ``positions``.

    The longest principal axis of the atoms lies to the right, and their flattest side is turned to
    the viewer, then tilted. The sign of each axis makes its largest component positive.
    """
    centred = positions - positions.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=True)
    right, up = (axis * np.sign(axis[np.argmax(np.abs(axis))]) for axis in axes[:2])
    towards = np.cross(right, up)
    sine, cosine = np.sin(_TILT), np.cos(_TILT)
    return np.stack([right, cosine * up + sine * towards, cosine * towards - sine * up])


def render(surface: Surface, values: FloatArray, view: FloatArray, pixel_bohr: float) -> Picture:
    """Return the picture of ``surface`` with values (n,) at its vertices.

    ``view`` (3, 3) are the axes of :func:`view_axes`; ``pixel_bohr`` is the edge of a pixel.
    """
    seen = surface.vertices @ view.T
    low = seen[:, :2].min(axis=0) - _MARGIN_PIXELS * pixel_bohr
    high = seen[:, :2].max(axis=0) + _MARGIN_PIXELS * pixel_bohr
    width, height = np.ceil((high - low) / pixel_bohr).astype(int)
    front = surface.triangles[surface.triangle_vectors() @ view[2] > 0.0]
    pixels, triangles, weights = _covered(
        (seen[:, :2] - low)[front] / pixel_bohr, int(width), int(height)
    )
    corners = front[triangles]
    depth = np.sum(weights * seen[:, 2][corners], axis=1)
    # Of equal pixels the last one assigned stays: the foremost.
    order = np.argsort(depth, kind="stable")
    pixels, corners, weights = pixels[order], corners[order], weights[order]
    normals = np.sum(weights[..., None] * (surface.normals() @ view.T)[corners], axis=1)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    image = np.full((width * height, 3), np.nan)
    image[pixels, 0] = np.sum(weights * values[corners], axis=1)
    image[pixels, 1:] = _light(normals)
    image = image.reshape(height, width, 3)
    right, top = low + pixel_bohr * np.array([width, height])
    extent = (float(low[0]), float(right), float(low[1]), float(top))
    return Picture(image[..., 0], image[..., 1:], ~np.isnan(image[..., 0]), extent)


def _covered(
    corners: FloatArray, width: int, height: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], FloatArray]:
    """Return the pixels whose centres lie in triangles with ``corners`` (t, 3, 2), in pixels.

    Pairs of flat pixel and triangle, (k,) each, and the weights (k, 3) of the triangle's corners.
    """
    first = np.floor(corners.min(axis=1)).astype(np.int64)
    size = int(np.ceil((corners.max(axis=1) - first).max())) + 1
    steps = np.stack(np.meshgrid(np.arange(size), np.arange(size)), axis=-1).reshape(-1, 2)
    candidates = first[:, None] + steps  # (t, size², 2)
    offset = candidates + 0.5 - corners[:, None, 0]
    one, two = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    double_area = one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]
    double_area = np.where(double_area == 0.0, np.inf, double_area)[:, None]
    second = (offset[..., 0] * two[:, None, 1] - offset[..., 1] * two[:, None, 0]) / double_area
    third = (offset[..., 1] * one[:, None, 0] - offset[..., 0] * one[:, None, 1]) / double_area
    weights = np.stack([1.0 - second - third, second, third], axis=-1)
    inside = (weights >= -_EDGE_TOLERANCE).all(axis=-1)
    inside &= np.isfinite(double_area)
    triangles, which = np.nonzero(inside)
    columns, rows = candidates[triangles, which].T
    return rows.clip(0, height - 1) * width + columns.clip(0, width - 1), triangles, weights[inside]


def _light(normals: FloatArray) -> FloatArray:
    """Return the diffuse and the glossy share (k, 2) of the light on surfaces with ``normals``."""
    diffuse = np.maximum(normals @ _LIGHT, 0.0)
    halfway = _LIGHT + np.array([0.0, 0.0, 1.0])
    halfway /= np.linalg.norm(halfway)
    gloss = np.maximum(normals @ halfway, 0.0) ** _GLOSS_POWER
    return np.stack([diffuse, gloss], axis=1)

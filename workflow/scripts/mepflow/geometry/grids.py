"""Grids on which the MEP is computed: shells, regular boxes, a plane, and a molecular surface.

All are laid in the frame of the positions and are fixed by the geometry and the settings alone.
The Merz–Kollman kind follows U. C. Singh and P. A. Kollman, J. Comput. Chem. 5, 129 (1984), the box
kind C. M. Breneman and K. B. Wiberg, J. Comput. Chem. 11, 361 (1990), with spacings of our own.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from mepflow.errors import ConfigError
from mepflow.geometry.planes import Plane
from mepflow.geometry.radii import bondi_radii
from mepflow.geometry.spheres import outer_surface, outside_spheres
from mepflow.geometry.surfaces import van_der_waals_surface
from mepflow.units import ANGSTROM_IN_BOHR

FloatArray = npt.NDArray[np.float64]

PICTURE_KINDS: Final = ("plane", "surface")
"""Kinds of grids that are drawn, not measured on."""

_POINTS_OF_A_PLANE: Final = 3


def grid_points(
    settings: Mapping[str, Any], atomic_numbers: npt.NDArray[np.uint8], positions: FloatArray
) -> FloatArray:
    """Return the points (p, 3) in bohr of a row of ``grids`` around atoms at ``positions`` (n, 3).

    Raises :class:`ConfigError` for an unknown kind, :class:`InputError` for an element without a
    radius.
    """
    kind = settings["kind"]
    if kind == "plane":
        return plane_of(settings, atomic_numbers, positions).points()
    if kind == "surface":
        return van_der_waals_surface(atomic_numbers, positions, **surface_row(settings)).vertices
    radii = bondi_radii(atomic_numbers)
    if kind == "shells":
        density = settings["points_per_angstrom2"] / ANGSTROM_IN_BOHR**2
        shells = [outer_surface(positions, scale * radii, density) for scale in settings["scales"]]
        return np.concatenate(shells)
    if kind == "box":
        return _box(
            positions,
            settings["inner_scale"] * radii,
            settings["outer_angstrom"] * ANGSTROM_IN_BOHR,
            settings["spacing_angstrom"] * ANGSTROM_IN_BOHR,
        )
    raise ConfigError(
        f"Grid kind {kind!r} is not one of shells, box, plane, surface: mend the grid's row."
    )


def picture_metadata(
    settings: Mapping[str, Any], atomic_numbers: npt.NDArray[np.uint8], positions: FloatArray
) -> dict[str, Any] | None:
    """Return what a reader needs to draw a molecule's grid; None for a grid that is no picture.

    For a plane this is what :mod:`mepflow.geometry.planes` describes, for a surface the arguments
    of :func:`mepflow.geometry.surfaces.van_der_waals_surface`.
    """
    if settings["kind"] == "plane":
        return plane_of(settings, atomic_numbers, positions).to_metadata()
    return surface_row(settings) if settings["kind"] == "surface" else None


def surface_row(settings: Mapping[str, Any]) -> dict[str, float]:
    """Return the arguments of the surface that a row of ``grids`` asks for."""
    return {
        "scale": float(settings["scale"]),
        "spacing_bohr": settings["spacing_angstrom"] * ANGSTROM_IN_BOHR,
        "smoothing_bohr": settings["smoothing_angstrom"] * ANGSTROM_IN_BOHR,
    }


def _box(
    positions: FloatArray, inner_radii: FloatArray, outer: float, spacing: float
) -> FloatArray:
    """Return the points of a regular grid outside every sphere and within ``outer`` of an atom."""
    low, high = positions.min(axis=0) - outer, positions.max(axis=0) + outer
    counts = np.ceil((high - low) / spacing).astype(int) + 1
    start = (low + high) / 2 - spacing * (counts - 1) / 2
    axes = [start[k] + spacing * np.arange(counts[k]) for k in range(3)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    nearest, _ = cKDTree(positions).query(points)
    points = points[nearest <= outer]
    return np.asarray(points[outside_spheres(points, positions, inner_radii)])


def plane_of(
    settings: Mapping[str, Any], atomic_numbers: npt.NDArray[np.uint8], positions: FloatArray
) -> Plane:
    """Return the plane that fits the heavy atoms best, with a margin around all atoms.

    The axes are the principal axes of the heavy atoms' positions (of all atoms where fewer than
    three are heavy), the longest first; the sign of each is chosen so that its largest component
    is positive.
    """
    heavy = atomic_numbers > 1
    fitted = positions[heavy] if heavy.sum() >= _POINTS_OF_A_PLANE else positions
    centre = fitted.mean(axis=0)
    _, _, axes = np.linalg.svd(fitted - centre, full_matrices=True)
    u, v = (axis * np.sign(axis[np.argmax(np.abs(axis))]) for axis in axes[:2])
    margin = settings["margin_angstrom"] * ANGSTROM_IN_BOHR
    spacing = settings["spacing_angstrom"] * ANGSTROM_IN_BOHR
    projected = (positions - centre) @ np.stack([u, v], axis=1)
    low, high = projected.min(axis=0) - margin, projected.max(axis=0) + margin
    shape = np.ceil((high - low) / spacing).astype(int) + 1
    origin = centre + low[0] * u + low[1] * v
    return Plane((int(shape[0]), int(shape[1])), origin, u, v, spacing)

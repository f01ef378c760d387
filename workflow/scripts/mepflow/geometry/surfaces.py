"""Molecular surfaces: closed triangle meshes around scaled van der Waals spheres.

The surface is where d(r) = min_i (|r - r_i| - R_i), the signed distance to the union of the spheres
of radius R_i, vanishes. A smoothed one replaces the minimum by

    d(r) = -w ln Σ_i exp(-(|r - r_i| - R_i) / w),

which lies at most w ln(n) outside and fills the creases between the spheres with a round seam of
about the width w; the surface of a lone sphere stays the same. The mesh comes from marching cubes
(T. Lewiner et al., J. Graphics Tools 8, 1 (2003)) on a grid fixed by the geometry, and its vertices
are then moved onto the surface along the gradient: the same geometry gives the same bits.

The reference table describes the surface of each molecule in its metadata::

    metadata["grids"][grid][molecule_id] = {
        "scale": float, "spacing_bohr": float, "smoothing_bohr": float}

and stores its vertices as the points of the grid. The triangles are built again from the geometry.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from mepflow.errors import InputError
from mepflow.geometry.radii import bondi_radii
from mepflow.molecules import MoleculeTable

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_MARGIN_CELLS: Final = 2
_PROJECTIONS: Final = 3
_DIGITS: Final = 9
_BLOCK_NUMBERS: Final = 4_000_000
"""Distances that are held at a time: bounds the memory of a large molecule on a fine grid."""
_TOLERANCE_BOHR: Final = 1e-4
_SMALLEST: Final = 1e-24
"""Edges whose squared lengths have a smaller product, in bohr⁴, have no direction."""


@dataclass(frozen=True)
class Surface:
    """A closed mesh: ``vertices`` (n, 3) in bohr and ``triangles`` (t, 3), indices of vertices.

    The corners of a triangle run counter-clockwise when seen from outside.
    """

    vertices: FloatArray
    triangles: IntArray

    def triangle_vectors(self) -> FloatArray:
        """Return the outward normals (t, 3) of the triangles, as long as their areas in bohr²."""
        a, b, c = (self.vertices[self.triangles[:, corner]] for corner in range(3))
        return np.asarray(0.5 * np.cross(b - a, c - a))

    def area(self) -> float:
        """Return the area in bohr²."""
        return float(np.linalg.norm(self.triangle_vectors(), axis=1).sum())

    def volume(self) -> float:
        """Return the enclosed volume in bohr³ (the divergence theorem)."""
        middles = self.vertices[self.triangles].mean(axis=1)
        return float(np.sum(middles * self.triangle_vectors()) / 3.0)

    def vertex_areas(self) -> FloatArray:
        """Return the area (n,) in bohr² that belongs to each vertex: a third of its triangles'."""
        areas = np.linalg.norm(self.triangle_vectors(), axis=1) / 3.0
        own = np.bincount(self.triangles.ravel(), np.repeat(areas, 3), len(self.vertices))
        return np.asarray(own, dtype=np.float64)

    def normals(self) -> FloatArray:
        """Return the outward unit normals (n, 3) of the vertices.

        The products of the edges e₁ × e₂ of the triangles at a vertex, over |e₁|² |e₂|²: exact for
        a sphere however its triangles are shaped (N. Max, J. Graphics Tools 4, 1 (1999)).
        """
        sums = np.zeros_like(self.vertices)
        for corner in range(3):
            here, one, two = (self.vertices[self.triangles[:, (corner + k) % 3]] for k in range(3))
            squares = np.sum((one - here) ** 2, axis=1) * np.sum((two - here) ** 2, axis=1)
            parts = np.cross(one - here, two - here) / np.maximum(squares, _SMALLEST)[:, None]
            np.add.at(sums, self.triangles[:, corner], parts)
        return np.asarray(sums / np.linalg.norm(sums, axis=1, keepdims=True))


def van_der_waals_surface(
    atomic_numbers: npt.ArrayLike,
    positions: FloatArray,
    *,
    scale: float = 1.0,
    spacing_bohr: float = 0.5,
    smoothing_bohr: float = 0.2,
) -> Surface:
    """Return the surface of the Bondi spheres, times ``scale``, of atoms at ``positions`` (n, 3).

    ``spacing_bohr`` is the edge of the cubes, so about that of the triangles; ``smoothing_bohr`` is
    the width w of the seams, 0 for the bare union of the spheres.

    Raises :class:`InputError` for an element without a radius.
    """
    from skimage.measure import marching_cubes  # only those who draw or compute surfaces have it

    radii = scale * bondi_radii(atomic_numbers)
    positions = np.asarray(positions, dtype=np.float64)
    margin = _MARGIN_CELLS * spacing_bohr + smoothing_bohr * np.log(len(radii))
    low = (positions - radii[:, None]).min(axis=0) - margin
    high = (positions + radii[:, None]).max(axis=0) + margin
    counts = np.ceil((high - low) / spacing_bohr).astype(int) + 1
    axes = [start + spacing_bohr * np.arange(n) for start, n in zip(low, counts, strict=True)]
    nodes = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    # Rounded, and not zero: which edges are cut must not hang on the last bit of a machine.
    distances = signed_distance(nodes, positions, radii, smoothing_bohr).round(_DIGITS)
    distances[distances == 0.0] = 10.0**-_DIGITS
    steps, triangles, _, _ = marching_cubes(distances.reshape(counts), 0.0)
    vertices = low + spacing_bohr * steps.astype(np.float64)
    for _ in range(_PROJECTIONS):
        vertices = _moved_onto(vertices, positions, radii, smoothing_bohr)
    return Surface(vertices, triangles.astype(np.int64))


def signed_distance(
    points: FloatArray, positions: FloatArray, radii: FloatArray, smoothing_bohr: float
) -> FloatArray:
    """Return d (p,) of the module's docstring at ``points`` (p, 3), negative inside, in bohr."""
    block = max(1, _BLOCK_NUMBERS // len(radii))
    parts = [
        _combined(_sphere_distances(points[k : k + block], positions, radii), smoothing_bohr)
        for k in range(0, len(points), block)
    ]
    return np.concatenate(parts) if parts else np.empty(0)


def _sphere_distances(points: FloatArray, positions: FloatArray, radii: FloatArray) -> FloatArray:
    distances = np.linalg.norm(points[:, None] - positions[None], axis=-1)
    return np.asarray(distances - radii)


def _combined(distances: FloatArray, smoothing: float) -> FloatArray:
    if smoothing == 0.0:
        return np.asarray(distances.min(axis=1))
    return np.asarray(-smoothing * logsumexp(-distances / smoothing, axis=1))


def _moved_onto(
    points: FloatArray, positions: FloatArray, radii: FloatArray, smoothing: float
) -> FloatArray:
    """Return points moved by a Newton step towards d = 0 along the gradient."""
    distances = _sphere_distances(points, positions, radii)
    value = _combined(distances, smoothing)
    if smoothing == 0.0:
        shares = (distances == value[:, None]).astype(np.float64)
        shares /= shares.sum(axis=1, keepdims=True)
    else:
        shares = np.exp(-(distances - value[:, None]) / smoothing)
    towards = (points[:, None] - positions[None]) / (distances + radii)[..., None]
    gradient = np.sum(shares[..., None] * towards, axis=1)
    square = np.sum(gradient**2, axis=1)
    return np.asarray(points - (value / square)[:, None] * gradient)


def surface_values(table: MoleculeTable, molecule_id: str, grid: str) -> tuple[Surface, FloatArray]:
    """Return the surface of a molecule and the MEP (n,) in hartree/e at its vertices.

    Raises :class:`InputError` where the table lacks it or its points are not the surface's.
    """
    description = surface_settings(table, molecule_id, grid)
    index = table.ids.index(molecule_id)
    molecule = table.molecule(index)
    surface = van_der_waals_surface(molecule.atomic_numbers, molecule.positions, **description)
    points, values = table.grids[grid].of(index)
    if (
        points.shape != surface.vertices.shape
        or np.abs(points - surface.vertices).max() > _TOLERANCE_BOHR
    ):
        raise InputError(
            f"the points of grid {grid!r} of {molecule_id} are not those of its surface: "
            "compute the reference again."
        )
    return surface, values


def surface_settings(table: MoleculeTable, molecule_id: str, grid: str) -> dict[str, float]:
    """Return the recorded arguments of :func:`van_der_waals_surface` for a molecule's surface.

    Raises :class:`InputError` where the table holds no such surface.
    """
    description: Mapping[str, Any] | None = (
        table.metadata.get("grids", {}).get(grid, {}).get(molecule_id)
    )
    if description is None or grid not in table.grids or molecule_id not in table.ids:
        raise InputError(
            f"the reference holds no surface {grid!r} of {molecule_id}: "
            "list the molecule under split.showcase and compute the reference again."
        )
    return {name: float(description[name]) for name in ("scale", "spacing_bohr", "smoothing_bohr")}

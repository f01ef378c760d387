"""Regular plane grids: points for pictures, not for error measures (they go through the atoms).

The reference table describes the plane of each molecule in its metadata::

    metadata["grids"][grid][molecule_id] = {
        "shape": [n, m], "origin": [3], "axis_u": [3], "axis_v": [3], "spacing_bohr": float}

and stores the points in row-major order: point ``i * m + j`` lies at
origin + spacing · (i · axis_u + j · axis_v), with orthonormal axes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from mepflow.errors import InputError
from mepflow.molecules import MoleculeTable

FloatArray = npt.NDArray[np.float64]

_TOLERANCE_BOHR = 1e-4


@dataclass(frozen=True)
class Plane:
    """A rectangle of ``shape`` (n, m) points: origin (3,) and spacing in bohr, unit axes (3,)."""

    shape: tuple[int, int]
    origin: FloatArray
    axis_u: FloatArray
    axis_v: FloatArray
    spacing_bohr: float

    @classmethod
    def from_metadata(cls, description: Mapping[str, Any]) -> Self:
        """Read the description that the module's docstring shows."""
        n, m = description["shape"]
        return cls(
            (int(n), int(m)),
            np.asarray(description["origin"], dtype=float),
            np.asarray(description["axis_u"], dtype=float),
            np.asarray(description["axis_v"], dtype=float),
            float(description["spacing_bohr"]),
        )

    def to_metadata(self) -> dict[str, Any]:
        """Return the description that :meth:`from_metadata` reads, fit for JSON."""
        return {
            "shape": list(self.shape),
            "origin": self.origin.tolist(),
            "axis_u": self.axis_u.tolist(),
            "axis_v": self.axis_v.tolist(),
            "spacing_bohr": self.spacing_bohr,
        }

    def points(self) -> FloatArray:
        """Return the points (n · m, 3) in bohr, row-major."""
        i, j = np.indices(self.shape).reshape(2, -1)
        steps = i[:, None] * self.axis_u + j[:, None] * self.axis_v
        return np.asarray(self.origin + self.spacing_bohr * steps)

    def project(self, positions: FloatArray) -> FloatArray:
        """Return (u, v, height) of positions (..., 3) relative to the origin, in bohr."""
        axes = np.stack([self.axis_u, self.axis_v, np.cross(self.axis_u, self.axis_v)])
        return np.asarray((positions - self.origin) @ axes.T)


def plane_values(
    table: MoleculeTable, molecule_id: str, grid: str
) -> tuple[Plane, FloatArray, FloatArray]:
    """Return the plane of a molecule, its stored points (n · m, 3) in bohr and MEP in hartree/e.

    Raises :class:`InputError` where the table lacks it or the points are not the described ones.
    """
    description = table.metadata.get("grids", {}).get(grid, {}).get(molecule_id)
    if description is None or grid not in table.grids or molecule_id not in table.ids:
        raise InputError(
            f"the reference holds no grid {grid!r} of {molecule_id}: "
            "list the molecule under split.showcase and compute the reference again."
        )
    plane = Plane.from_metadata(description)
    points, values = table.grids[grid].of(table.ids.index(molecule_id))
    expected = plane.points()
    if points.shape != expected.shape or np.abs(points - expected).max() > _TOLERANCE_BOHR:
        raise InputError(
            f"the points of grid {grid!r} of {molecule_id} are not those of its description: "
            "compute the reference again."
        )
    return plane, points, values

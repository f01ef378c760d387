"""Points of stored potentials: made again from the geometry, and proven to be the same."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from mepflow.errors import InputError
from mepflow.geometry.grids import grid_points
from mepflow.molecules import Molecule

FloatArray = npt.NDArray[np.float64]

POINT_DIGITS: Final = 6
"""Decimals, in bohr, to which points count: the last bits differ between machines."""
_CHECKSUM_BYTES: Final = 8


def points_checksum(points: FloatArray) -> int:
    """Return 64 bits of the SHA-256 of points (p, 3) in bohr, rounded to :data:`POINT_DIGITS`."""
    whole = np.rint(points * 10.0**POINT_DIGITS).astype("<i8") + 0  # no negative zeros
    return int.from_bytes(hashlib.sha256(whole.tobytes()).digest()[:_CHECKSUM_BYTES])


def labelled_points(
    molecule: Molecule, grid: str, settings: Mapping[str, Any], count: int, checksum: int
) -> FloatArray:
    """Return the points (p, 3) in bohr of a molecule's stored potential.

    Raises :class:`InputError` where this program makes other points than the file was made with.
    """
    points = grid_points(settings, molecule.atomic_numbers, molecule.positions)
    if len(points) != count or points_checksum(points) != checksum:
        raise InputError(
            f"{molecule.id}: the points of grid {grid} are not those of the stored potential"
            f" ({len(points)} instead of {count}): read the file with the version of mepflow that"
            " it names."
        )
    return points

"""Points of stored potentials: made again from the geometry, and proven to be the same."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from mepflow.errors import InputError
from mepflow.geometry.grids import grid_points
from mepflow.molecules import Molecule
from mepflow.storage.damage import DAMAGE, reason
from mepflow.units import BOHR_IN_ANGSTROM

FloatArray = npt.NDArray[np.float64]

POINT_DIGITS: Final = 6
"""Decimals, in bohr, to which points count: the last bits differ between machines."""
_CHECKSUM_BYTES: Final = 8
_MOST_PLACES: Final = 3e7
"""Places looked at to make the points of a molecule: a damaged file could ask for any number."""
_LARGEST_RADIUS: Final = 3.1
"""Above all van der Waals radii, in Å."""


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
    try:
        _require_few_places(settings, molecule.positions)
        points = grid_points(settings, molecule.atomic_numbers, molecule.positions)
    except DAMAGE as error:
        raise InputError(
            f"{molecule.id}: the points of grid {grid} cannot be made again ({reason(error)}):"
            " fetch the file again."
        ) from error
    if len(points) != count or points_checksum(points) != checksum:
        raise InputError(
            f"{molecule.id}: the points of grid {grid} are not those of the stored potential"
            f" ({len(points)} instead of {count}): read the file with the version of mepflow that"
            " it names."
        )
    return points


def _require_few_places(settings: Mapping[str, Any], positions: FloatArray) -> None:
    """Raise ``ValueError`` for settings that are no grid of points or a much too fine one."""
    kind = settings["kind"]
    if kind == "shells":
        radii = _LARGEST_RADIUS * np.array(settings["scales"], dtype=float)
        sphere = 4.0 * np.pi * (radii**2).sum()
        places = len(positions) * sphere * settings["points_per_angstrom2"]
    elif kind in ("box", "surface"):
        outer = settings["outer_angstrom"] if kind == "box" else settings["scale"] * _LARGEST_RADIUS
        extent = np.ptp(positions, axis=0) * BOHR_IN_ANGSTROM + 2.0 * outer
        places = np.prod(extent / settings["spacing_angstrom"])
    else:
        raise ValueError(f"no points are stored for the kind {kind}")
    if not 0 < places <= _MOST_PLACES:
        raise ValueError("its settings or positions are not plausible")

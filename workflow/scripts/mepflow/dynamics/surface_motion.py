"""The potential on a molecule's surface while it moves: mean and spread.

A point of the surface at rest rides with the atom whose sphere it is on: it keeps its place in a
frame that the atom and two bonded neighbours span. So a point above a hydrogen atom of a methyl
group stays above it as the group turns. A frame in which it comes to lie inside another atom's
sphere does not count for it.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from mepflow.dynamics.learned_surfaces import Potentials
from mepflow.dynamics.trajectory import Trajectory
from mepflow.errors import InputError, MissingFileError
from mepflow.geometry.bonds import bonds
from mepflow.geometry.radii import bondi_radii
from mepflow.geometry.surfaces import Surface, signed_distance, van_der_waals_surface
from mepflow.molecules import Molecule
from mepflow.storage.files import atomic_path
from mepflow.storage.npz import read_npz
from mepflow.units import BOHR_IN_ANGSTROM

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_STRAIGHT: Final = 0.1
"""Sine of the angle below which three atoms span no frame."""
_INSIDE_BOHR: Final = 0.3
"""A point that lies deeper than this below the surface of a frame is inside another atom."""
_LARGEST_BYTES: Final = 100_000_000


@dataclass(frozen=True)
class SurfaceMotion:
    """V vertices of the surface of a molecule at rest, and the potential there, in hartree/e.

    ``at_rest`` (V,) is that of the molecule at rest, ``mean`` (V,) and ``spread`` (V,), the
    standard deviation, those over the frames of a dynamics, of which there are ``n_frames``.
    """

    atomic_numbers: npt.NDArray[np.uint8]
    positions: FloatArray
    vertices: FloatArray
    triangles: IntArray
    at_rest: FloatArray
    mean: FloatArray
    spread: FloatArray
    n_frames: int

    @property
    def surface(self) -> Surface:
        """The surface of the molecule at rest."""
        return Surface(self.vertices, self.triangles)

    def save(self, path: Path) -> None:
        """Write the file, atomically."""
        arrays = {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}
        with atomic_path(path) as temporary:
            np.savez(temporary, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file; raises :class:`InputError` where it is missing or damaged."""
        try:
            arrays: dict[str, Any] = dict(read_npz(path, _LARGEST_BYTES))
            return cls(**{**arrays, "n_frames": int(arrays["n_frames"])})
        except FileNotFoundError:
            raise MissingFileError(path) from None
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path} holds no moving surface ({error}): delete it.") from error


def surface_motion(
    trajectory: Trajectory,
    rest: FloatArray,
    potentials: Potentials,
    most_frames: int,
) -> SurfaceMotion:
    """Return the potential of a model on the surface along a trajectory.

    ``rest`` (n, 3) in bohr is the geometry whose surface it is, of the Bondi spheres. At most
    ``most_frames`` geometries count, evenly chosen of all replicas. Raises :class:`InputError`
    where no geometry was kept, or three atoms that span no frame.
    """
    numbers = trajectory.atomic_numbers
    frames = trajectory.positions.reshape(-1, *rest.shape)
    if not len(frames):
        raise InputError("The dynamics kept no geometry: run it for longer.")
    chosen = np.unique(np.linspace(0, len(frames) - 1, most_frames).round().astype(int))
    surface = van_der_waals_surface(numbers, rest)
    points = riding_points(numbers, rest, surface.vertices, frames[chosen])
    molecules = [
        Molecule(f"frame {number}", numbers, places)
        for number, places in enumerate([rest, *frames[chosen]])
    ]
    values = potentials(molecules, [surface.vertices, *points])
    radii = bondi_radii(numbers)
    for where, places, of_frame in zip(points, frames[chosen], values[1:], strict=True):
        of_frame[signed_distance(where, places, radii, 0.0) < -_INSIDE_BOHR] = np.nan
    moving = values[1:]
    return SurfaceMotion(
        numbers,
        rest,
        surface.vertices,
        surface.triangles,
        values[0],
        np.nanmean(moving, axis=0),
        np.nanstd(moving, axis=0),
        len(chosen),
    )


def riding_points(
    atomic_numbers: npt.NDArray[np.uint8], rest: FloatArray, points: FloatArray, frames: FloatArray
) -> FloatArray:
    """Return where points (V, 3) about a molecule at ``rest`` (n, 3) are at frames (F, n, 3).

    (F, V, 3) in bohr. Raises :class:`InputError` for an atom without two neighbours that span a
    frame with it, as in a linear molecule.
    """
    neighbours = _neighbours(atomic_numbers, rest)
    distance = np.linalg.norm(points[:, None] - rest[None], axis=-1) - bondi_radii(atomic_numbers)
    owner = distance.argmin(axis=1)
    at_rest = _frames(rest[None], neighbours)[0]
    local = np.einsum("vij,vj->vi", at_rest[owner], points - rest[owner])
    moved = _frames(frames, neighbours)[:, owner]
    return np.asarray(frames[:, owner] + np.einsum("fvij,vi->fvj", moved, local))


def _neighbours(atomic_numbers: npt.NDArray[np.uint8], rest: FloatArray) -> IntArray:
    """Return two atoms (n, 2) for each: a bonded one, and one bonded to either of the two."""
    pairs = bonds(atomic_numbers, rest * BOHR_IN_ANGSTROM)
    joined: dict[int, list[int]] = {atom: [] for atom in range(len(rest))}
    for one, two in pairs:
        joined[one].append(two)
        joined[two].append(one)
    return np.array([_two_neighbours(atom, joined, rest) for atom in range(len(rest))])


def _two_neighbours(atom: int, joined: dict[int, list[int]], rest: FloatArray) -> tuple[int, int]:
    for near in joined[atom]:
        for far in (*joined[atom], *joined[near]):
            if far in (atom, near):
                continue
            one, two = rest[near] - rest[atom], rest[far] - rest[atom]
            sine = np.linalg.norm(np.cross(one, two)) / np.linalg.norm(one) / np.linalg.norm(two)
            if sine > _STRAIGHT:
                return near, far
    raise InputError(
        f"atom {atom + 1} has no two neighbours that span a frame with it: a moving surface needs"
        " a molecule of at least three atoms that is not straight."
    )


def _frames(positions: FloatArray, neighbours: IntArray) -> FloatArray:
    """Return right-handed axes (F, n, 3, 3), a row each, of atoms at positions (F, n, 3)."""
    first = positions[:, neighbours[:, 0]] - positions
    second = positions[:, neighbours[:, 1]] - positions
    one = first / np.linalg.norm(first, axis=-1, keepdims=True)
    normal = np.cross(one, second)
    three = normal / np.linalg.norm(normal, axis=-1, keepdims=True)
    return np.stack([one, np.cross(three, one), three], axis=-2)

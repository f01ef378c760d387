"""Several sets of multipoles on the same atoms, such as those of models that differ in their seed.

The loops of ``multipole_sets.cpp`` take the distances of all points from all atoms once for all
sets. Without a compiler, each set goes through :mod:`mepflow.electrostatics.potential` by itself.

Arguments of all functions: ``points`` (p, 3) and ``positions`` (n, 3) in bohr, and of k sets
``charges`` (k, n) in e, ``dipoles`` (k, n, 3) in e·bohr, ``quadrupoles`` (k, n, 3, 3) in e·bohr²:
symmetric Θ′.
"""

import ctypes
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from mepflow import compiler
from mepflow.electrostatics.potential import CLOSEST_BOHR, potential

FloatArray = npt.NDArray[np.float64]

SOURCE: Final = Path(__file__).with_name("multipole_sets.cpp")


def potentials(
    points: FloatArray,
    positions: FloatArray,
    charges: FloatArray,
    dipoles: FloatArray | None = None,
    quadrupoles: FloatArray | None = None,
    radii: FloatArray | None = None,
) -> FloatArray:
    """Return the potentials (k, p) in hartree/e of k sets at ``points``.

    ``radii`` (n,) in bohr are those of :func:`mepflow.electrostatics.potential.potential`, which
    also says what is raised for a point on an atom.
    """
    library = _library() if radii is None else None
    if library is not None:
        values = np.empty((len(charges), len(points)))
        terms = (charges, dipoles, quadrupoles)
        sizes = (len(points), len(positions), len(charges))
        if _call(library.potentials, (points, positions, *terms), (values,), sizes):
            return values
    return np.array([
        potential(points, positions, *terms, radii=radii)
        for terms in zip(charges, *_each(len(charges), dipoles, quadrupoles), strict=True)
    ])  # fmt: skip


def normal_equations(
    points: FloatArray,
    positions: FloatArray,
    dipoles: FloatArray | None,
    quadrupoles: FloatArray | None,
) -> tuple[FloatArray, FloatArray]:
    """Return what charges that add up to zero must solve to have the potentials of k sets.

    That is the normal matrix M (n − 1, n − 1), whose lower half counts, and the right sides b
    (k, n − 1) of M y = b, with the charges N y for N of :func:`neutral_basis`, least squares over
    the points. One of ``dipoles`` and ``quadrupoles`` may be None. Raises :class:`ValueError` for a
    point on an atom.
    """
    given = dipoles if dipoles is not None else quadrupoles
    if given is None:
        raise ValueError("there is neither a dipole nor a quadrupole")
    k, n = given.shape[:2]
    library = _library()
    if library is not None:
        found = np.zeros((n - 1, n - 1)), np.zeros((k, n - 1))
        arrays = (points, positions, dipoles, quadrupoles)
        if _call(library.normal_equations, arrays, found, (len(points), n, k)):
            return found
    wanted = potentials(points, positions, np.zeros((k, n)), dipoles, quadrupoles)
    matrix = _inverse_distances(points, positions) @ neutral_basis(n)
    return matrix.T @ matrix, wanted @ matrix


def charge_equations(
    points: FloatArray, positions: FloatArray, values: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the normal matrix (n, n) and right sides (k, n) of charges fitted to potentials.

    ``values`` (k, p) are in hartree/e; the matrix is in bohr⁻², the sides in e·bohr⁻².
    """
    n, k = len(positions), len(values)
    library = _library()
    if library is not None:
        matrix, sides = np.empty((n, n)), np.empty((k, n))
        sizes = (len(points), n, k)
        arrays = (points, positions, values)
        if _call(library.charge_equations, arrays, (matrix, sides), sizes):
            return matrix, sides
    inverse = _inverse_distances(points, positions)
    return inverse.T @ inverse, values @ inverse


@lru_cache(maxsize=256)
def neutral_basis(n: int) -> FloatArray:
    """Return an orthonormal basis (n, n − 1) of the numbers that add up to zero: Helmert's."""
    basis = np.zeros((n, n - 1))
    for column in range(1, n):
        norm = np.sqrt(column * (column + 1.0))
        basis[:column, column - 1] = 1.0 / norm
        basis[column, column - 1] = -column / norm
    basis.flags.writeable = False
    return basis


def _each(count: int, *terms: FloatArray | None) -> list[list[FloatArray | None]]:
    return [[None] * count if values is None else list(values) for values in terms]


def _inverse_distances(points: FloatArray, positions: FloatArray) -> FloatArray:
    # Each component by itself: several times faster than the norm of an array of vectors.
    squares = sum((points[:, None, axis] - positions[:, axis]) ** 2 for axis in range(3))
    return np.asarray(1.0 / np.sqrt(squares))


def _call(
    loop: Callable[..., int],
    arrays: tuple[FloatArray | None, ...],
    found: tuple[FloatArray, ...],
    sizes: tuple[int, int, int],
) -> bool:
    """Fill ``found`` and return whether no point lies on an atom: else nothing of it counts."""
    given = [
        None if array is None else np.ascontiguousarray(array, dtype=np.float64) for array in arrays
    ]
    addresses = [None if array is None else array.ctypes.data for array in (*given, *found)]
    return bool(
        loop(
            *map(ctypes.c_void_p, addresses),
            *map(ctypes.c_int64, sizes),
            ctypes.c_double(CLOSEST_BOHR**2),
        )
    )


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL | None:
    return compiler.load(SOURCE, "the potentials of several sets of multipoles")

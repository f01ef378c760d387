r"""Electrostatic potential of atomic multipoles.

.. math::
    V(r) = \sum_i \frac{q_i}{d} + \frac{\mu_i \cdot d}{d^3}
         + \frac{1}{2} \frac{d^T \Theta'_i d}{d^5}, \qquad d = r - r_i

in atomic units (hartree/e). The factor ½ belongs to the traceless Θ′ = Σ q (3 r rᵀ − r² 1) of
:mod:`mepflow.multipoles`: the second order of q/|d − s| in s is q [3 (d·s)² − s² d²] / (2 d⁵). For
Buckingham's Θ = Θ′/2 the factor is 1 (A. D. Buckingham, Adv. Chem. Phys. 12, 107 (1967)).

To it comes, where it is asked for, the penetration of :mod:`mepflow.electrostatics.penetration`.

The functions take NumPy arrays or torch tensors, and return the same kind and precision. NumPy
arrays go through the loop of ``potential.cpp`` where :mod:`mepflow.compiler` finds a compiler.
"""

import ctypes
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from array_api_compat import array_namespace, is_numpy_array

from mepflow import compiler

Array = Any

SOURCE: Final = Path(__file__).with_name("potential.cpp")

CLOSEST_BOHR: Final = 1e-6
"""A point nearer to an atom than this is taken to lie on it."""
DEFAULT_BLOCK_BYTES: Final = 2**20
"""Small enough for a processor's cache."""
# Displacements (3), distances and their inverse, terms, the image under the quadrupole (3), and
# what is on the way to it (3) and to a term (3); one number to spare.
_NUMBERS_PER_PAIR: Final = 16
_PRECISIONS: Final = {np.dtype(np.float32): "float32", np.dtype(np.float64): "float64"}


class Shells(NamedTuple):
    """Valence shells of n atoms: electrons (n,), widths σ (n,) in bohr; NumPy or torch."""

    electrons: Array
    widths: Array


def potential(
    points: Array,
    positions: Array,
    charges: Array,
    dipoles: Array | None = None,
    quadrupoles: Array | None = None,
    *,
    radii: Array | None = None,
    penetration: Shells | None = None,
    block_bytes: int = DEFAULT_BLOCK_BYTES,
) -> Array:
    """Return the potential (p,) in hartree/e of atomic multipoles at ``points`` (p, 3) in bohr.

    ``positions`` (n, 3) in bohr, ``charges`` (n,) in e, ``dipoles`` (n, 3) in e·bohr,
    ``quadrupoles`` (n, 3, 3) in e·bohr²: Θ′, symmetric and traceless. Where the compiled
    loop does not serve, points are worked off in blocks whose intermediate arrays stay within
    ``block_bytes`` (at least one point at a time).

    With ``radii`` (n,) in bohr each multipole lies not in a point but on the sphere of that radius
    around its atom. Nothing changes outside the sphere; inside, d is the radius in the denominators
    (the regular solid harmonic that meets the outer one on the sphere), so that all is finite.
    With ``penetration`` the potential of these valence shells is added (inside a sphere of
    ``radii``: that on the sphere).

    Raises :class:`ValueError` where a point lies on an atom: without radii the potential is
    infinite there.
    """
    electrons, widths = (None, None) if penetration is None else penetration
    arrays = (points, positions, charges, dipoles, quadrupoles, radii, electrons, widths)
    values = _compiled(*arrays)
    return _in_blocks(*arrays, block_bytes) if values is None else values


def _compiled(points: Array, positions: Array, *terms: Array | None) -> Array | None:
    """Return the potential of NumPy arrays from the compiled loop.

    None where there is no loop for them, or a point lies on an atom: the caller must then take the
    array operations, which give infinity there.
    """
    given = [array for array in (points, positions, *terms) if array is not None]
    if not all(is_numpy_array(array) for array in given):
        return None
    precision = np.result_type(*given)
    library = _library() if precision in _PRECISIONS else None
    if library is None:
        return None
    p, n = len(points), len(positions)
    shapes = ((p, 3), (n, 3), (n,), (n, 3), (n, 3, 3), (n,), (n,), (n,))
    arrays = [
        None
        if array is None
        else np.ascontiguousarray(np.broadcast_to(array, shape), dtype=precision)
        for array, shape in zip((points, positions, *terms), shapes, strict=True)
    ]
    values = np.empty(p, dtype=precision)
    loop = getattr(library, f"potential_{_PRECISIONS[precision]}")
    is_whole = loop(
        *(ctypes.c_void_p(array if array is None else array.ctypes.data) for array in arrays),
        ctypes.c_void_p(values.ctypes.data),
        *map(ctypes.c_int64, (p, n)),
        ctypes.c_double(CLOSEST_BOHR**2),
    )
    return values if is_whole else None


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL | None:
    return compiler.load(SOURCE, "the potential of multipoles")


def _in_blocks(
    points: Array,
    positions: Array,
    charges: Array,
    dipoles: Array | None,
    quadrupoles: Array | None,
    radii: Array | None,
    electrons: Array | None,
    widths: Array | None,
    block_bytes: int,
) -> Array:
    xp = array_namespace(points, positions, charges)
    if points.shape[0] == 0:
        return xp.zeros_like(points[:, 0])
    pair_bytes = _NUMBERS_PER_PAIR * xp.finfo(points.dtype).bits // 8
    size = max(1, block_bytes // (pair_bytes * max(1, positions.shape[0])))
    terms = (positions, charges, dipoles, quadrupoles, radii, electrons, widths)
    return xp.concat(
        [_block(points[rows, :], rows.start, *terms) for rows in _blocks(points.shape[0], size)]
    )


def _blocks(total: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, total)) for start in range(0, total, size))


def _block(
    points: Array,
    first: int,
    positions: Array,
    charges: Array,
    dipoles: Array | None,
    quadrupoles: Array | None,
    radii: Array | None,
    electrons: Array | None,
    widths: Array | None,
) -> Array:
    """Return the potential at the points (p, 3) whose first one has the number ``first``."""
    xp = array_namespace(points)
    # Each component by itself: a matrix product of three columns is several times slower.
    vector = [points[None, :, axis] - positions[:, axis, None] for axis in range(3)]  # 3 of (n, p)
    square = _along(vector, vector)
    if radii is None:
        _refuse_points_on_atoms(square, first)
    else:
        square = xp.maximum(square, (radii * radii)[:, None])
    inverse = 1.0 / xp.sqrt(square)
    terms = charges[:, None] * inverse
    if dipoles is not None:
        along = _along([dipoles[:, axis, None] for axis in range(3)], vector)
        terms = terms + along * inverse**3
    if quadrupoles is not None:
        rows = [[quadrupoles[:, row, axis, None] for axis in range(3)] for row in range(3)]
        along = _along([_along(row, vector) for row in rows], vector)
        terms = terms + 0.5 * along * inverse**5
    if electrons is not None and widths is not None:
        decay = xp.exp(-square * inverse / widths[:, None])
        terms = terms + electrons[:, None] * (inverse + 0.5 / widths[:, None]) * decay
    return xp.sum(terms, axis=0)


def _along(first: list[Array], second: list[Array]) -> Array:
    """Return the scalar product of two vectors of three components."""
    return first[0] * second[0] + first[1] * second[1] + first[2] * second[2]


def _refuse_points_on_atoms(square: Array, first: int) -> None:
    """Raise for the first point whose squared distance (n, p) to an atom vanishes."""
    xp = array_namespace(square)
    # Written so that a NaN, the mark of a broken input, does not pass as a distance either.
    bad = ~(square > CLOSEST_BOHR**2)
    if not xp.any(bad):
        return
    point = int(xp.argmax(xp.astype(xp.any(bad, axis=0), xp.int64)))
    atom = int(xp.argmax(xp.astype(bad[:, point], xp.int64)))
    raise ValueError(
        f"point {first + point} lies on atom {atom} (or one of them is not a number): "
        "the potential of a point multipole is infinite there."
    )

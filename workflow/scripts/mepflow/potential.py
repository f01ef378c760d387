r"""Electrostatic potential of atomic multipoles.

.. math::
    V(r) = \sum_i \frac{q_i}{d} + \frac{\mu_i \cdot d}{d^3}
         + \frac{1}{2} \frac{d^T \Theta'_i d}{d^5}, \qquad d = r - r_i

in atomic units (hartree/e). The factor ½ belongs to the traceless Θ′ = Σ q (3 r rᵀ − r² 1) of
:mod:`mepflow.multipoles`: the second order of q/|d − s| in s is q [3 (d·s)² − s² d²] / (2 d⁵). For
Buckingham's Θ = Θ′/2 the factor is 1 (A. D. Buckingham, Adv. Chem. Phys. 12, 107 (1967)).

The functions take NumPy arrays or torch tensors, and return the same kind and precision.
"""

from collections.abc import Iterator
from typing import Any, Final

from array_api_compat import array_namespace

Array = Any

CLOSEST_BOHR: Final = 1e-6
"""A point nearer to an atom than this is taken to lie on it."""
DEFAULT_BLOCK_BYTES: Final = 64 * 2**20
# Displacements, their image under the quadrupole and the product of both (3 numbers each), and the
# distances with their powers and terms.
_NUMBERS_PER_PAIR: Final = 16


def potential(
    points: Array,
    positions: Array,
    charges: Array,
    dipoles: Array | None = None,
    quadrupoles: Array | None = None,
    *,
    radii: Array | None = None,
    block_bytes: int = DEFAULT_BLOCK_BYTES,
) -> Array:
    """Return the potential (p,) in hartree/e of atomic multipoles at ``points`` (p, 3) in bohr.

    ``positions`` (n, 3) in bohr, ``charges`` (n,) in e, ``dipoles`` (n, 3) in e·bohr,
    ``quadrupoles`` (n, 3, 3) in e·bohr²: Θ′, symmetric and traceless. Points are worked off in
    blocks whose intermediate arrays stay within ``block_bytes`` (at least one point at a time).

    With ``radii`` (n,) in bohr each multipole lies not in a point but on the sphere of that radius
    around its atom. Nothing changes outside the sphere; inside, d is the radius in the denominators
    (the regular solid harmonic that meets the outer one on the sphere), so that all is finite.

    Raises :class:`ValueError` where a point lies on an atom: without radii the potential is
    infinite there.
    """
    xp = array_namespace(points, positions, charges)
    if points.shape[0] == 0:
        return xp.zeros_like(points[:, 0])
    pair_bytes = _NUMBERS_PER_PAIR * xp.finfo(points.dtype).bits // 8
    size = max(1, block_bytes // (pair_bytes * max(1, positions.shape[0])))
    return xp.concat(
        [
            _block(points[rows, :], rows.start, positions, charges, dipoles, quadrupoles, radii)
            for rows in _blocks(points.shape[0], size)
        ]
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
) -> Array:
    """Return the potential at the points (p, 3) whose first one has the number ``first``."""
    xp = array_namespace(points)
    displacement = points[None, :, :] - positions[:, None, :]  # (n, p, 3)
    square = xp.sum(displacement * displacement, axis=-1)
    if radii is None:
        _refuse_points_on_atoms(square, first)
    else:
        square = xp.maximum(square, (radii * radii)[:, None])
    inverse = 1.0 / xp.sqrt(square)
    terms = charges[:, None] * inverse
    if dipoles is not None:
        along = xp.matmul(displacement, dipoles[:, :, None])[..., 0]
        terms = terms + along * inverse**3
    if quadrupoles is not None:
        along = xp.sum(xp.matmul(displacement, quadrupoles) * displacement, axis=-1)
        terms = terms + 0.5 * along * inverse**5
    return xp.sum(terms, axis=0)


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

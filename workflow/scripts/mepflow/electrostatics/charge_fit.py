r"""Charges that reproduce the potential of atomic multipoles by themselves.

Where atomic dipoles μ or quadrupoles are part of a model's potential, its charges alone give
another one. The charges q + δ that come nearest to that potential on the points r_p minimise

.. math:: \sum_p \Big( \sum_i \frac{\delta_i}{|r_p - r_i|} - V^{(\mu, \Theta)}_p \Big)^2,
          \qquad \sum_i \delta_i = 0,

with V the potential of the dipoles and quadrupoles alone: the charges of the molecule change, their
sum does not. In δ = N y, with an orthonormal basis N of the charges that add up to zero, the
problem is free and is solved by the eigenvectors of its normal matrix. Directions whose eigenvalue
is below :data:`EIGENVALUE_CUTOFF` of the largest, which the points hardly see (buried atoms), are
left at 0.
"""

from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from mepflow.electrostatics.potential import potential

FloatArray = npt.NDArray[np.float64]

EIGENVALUE_CUTOFF: Final = 1e-7


def equivalent_charges(
    points: FloatArray,
    positions: FloatArray,
    charges: FloatArray,
    dipoles: FloatArray | None = None,
    quadrupoles: FloatArray | None = None,
) -> FloatArray:
    """Return the charges (k, n) in e that stand for k sets of atomic multipoles.

    ``points`` (p, 3) and ``positions`` (n, 3) in bohr, ``charges`` (k, n) in e, ``dipoles``
    (k, n, 3) in e·bohr, ``quadrupoles`` (k, n, 3, 3) in e·bohr²: Θ′. The sum of each set is kept.
    """
    if dipoles is None and quadrupoles is None:
        return charges
    n = len(positions)
    if n == 1:
        return charges
    nothing = np.zeros(n)
    wanted = [
        potential(points, positions, nothing, *terms)
        for terms in zip(_sets(dipoles, charges), _sets(quadrupoles, charges), strict=True)
    ]
    basis = _neutral_basis(n)
    matrix = _inverse_distances(points, positions) @ basis
    values, vectors = np.linalg.eigh(matrix.T @ matrix)
    seen = values > EIGENVALUE_CUTOFF * values[-1]
    projected = vectors[:, seen].T @ (matrix.T @ np.array(wanted).T)
    change = vectors[:, seen] @ (projected / values[seen, None])
    return np.asarray(charges + (basis @ change).T)


def _sets(terms: FloatArray | None, charges: FloatArray) -> list[FloatArray | None]:
    return [None] * len(charges) if terms is None else list(terms)


def _inverse_distances(points: FloatArray, positions: FloatArray) -> FloatArray:
    # Each component by itself: several times faster than the norm of an array of vectors.
    squares = sum((points[:, None, axis] - positions[:, axis]) ** 2 for axis in range(3))
    return np.asarray(1.0 / np.sqrt(squares))


@lru_cache(maxsize=256)
def _neutral_basis(n: int) -> FloatArray:
    """Return an orthonormal basis (n, n − 1) of the numbers that add up to zero: Helmert's."""
    basis = np.zeros((n, n - 1))
    for column in range(1, n):
        norm = np.sqrt(column * (column + 1.0))
        basis[:column, column - 1] = 1.0 / norm
        basis[column, column - 1] = -column / norm
    return basis

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

from typing import Final

import numpy as np
import numpy.typing as npt

from mepflow.electrostatics.multipole_sets import neutral_basis, normal_equations

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
    n = len(positions)
    if n == 1 or (dipoles is None and quadrupoles is None):
        return charges
    matrix, sides = normal_equations(points, positions, dipoles, quadrupoles)
    values, vectors = np.linalg.eigh(matrix, UPLO="L")
    seen = values > EIGENVALUE_CUTOFF * values[-1]
    change = vectors[:, seen] @ ((vectors[:, seen].T @ sides.T) / values[seen, None])
    return np.asarray(charges + (neutral_basis(n) @ change).T)

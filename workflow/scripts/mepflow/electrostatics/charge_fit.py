r"""Charges that reproduce the potential of atomic multipoles by themselves.

Where atomic dipoles μ or quadrupoles are part of a model's potential, its charges alone give
another one. The charges q + δ that come nearest to that potential on the points r_p minimise

.. math:: \sum_p \Big( \sum_i \frac{\delta_i}{|r_p - r_i|} - V^{(\mu, \Theta)}_p \Big)^2,
          \qquad \sum_i \delta_i = 0,

with V the potential of the dipoles and quadrupoles alone: the charges of the molecule change, their
sum does not. In δ = N y, with an orthonormal basis N of the charges that add up to zero, the
problem is free and is solved by the eigenvectors of its normal matrix. Directions whose eigenvalue
is below :data:`EIGENVALUE_CUTOFF` of the largest, which the points hardly see (buried atoms), are
left at 0, and reported.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.linalg.lapack import dpocon, dpotrf

from mepflow.electrostatics.multipole_sets import neutral_basis, normal_equations

FloatArray = npt.NDArray[np.float64]

EIGENVALUE_CUTOFF: Final = 1e-7
_LARGE_SHARE: Final = 0.1
"""An atom is named where it has this share of a direction, or more."""


class Undetermined(NamedTuple):
    """How many combinations of charges a potential does not determine, and the atoms most in them.

    Atoms are counted from 0, those with the largest share first.
    """

    combinations: int = 0
    atoms: tuple[int, ...] = ()


class EquivalentCharges(NamedTuple):
    """Charges (k, n) in e, and which of them the points do not determine."""

    charges: FloatArray
    undetermined: Undetermined


def equivalent_charges(
    points: FloatArray,
    positions: FloatArray,
    charges: FloatArray,
    dipoles: FloatArray | None = None,
    quadrupoles: FloatArray | None = None,
) -> EquivalentCharges:
    """Return the charges that stand for k sets of atomic multipoles.

    ``points`` (p, 3) and ``positions`` (n, 3) in bohr, ``charges`` (k, n) in e, ``dipoles``
    (k, n, 3) in e·bohr, ``quadrupoles`` (k, n, 3, 3) in e·bohr²: Θ′. The sum of each set is kept.
    """
    n = len(positions)
    if n == 1 or (dipoles is None and quadrupoles is None):
        return EquivalentCharges(charges, Undetermined())
    matrix, sides = normal_equations(points, positions, dipoles, quadrupoles)
    values, vectors = np.linalg.eigh(matrix, UPLO="L")
    seen = values > EIGENVALUE_CUTOFF * values[-1]
    change = vectors[:, seen] @ ((vectors[:, seen].T @ sides.T) / values[seen, None])
    found = np.asarray(charges + (neutral_basis(n) @ change).T)
    return EquivalentCharges(found, _undetermined(vectors[:, ~seen]))


def undetermined(normal: FloatArray) -> Undetermined:
    """Return what a potential does not determine of charges (n,) whose sum is known.

    ``normal`` (n, n) is the normal matrix of
    :func:`~mepflow.electrostatics.multipole_sets.charge_equations`.
    """
    basis = neutral_basis(len(normal))
    matrix = basis.T @ normal @ basis
    if not len(matrix) or factor_of(matrix) is not None:
        return Undetermined()
    values, vectors = np.linalg.eigh(matrix)
    return _undetermined(vectors[:, values <= EIGENVALUE_CUTOFF * values[-1]])


def factor_of(matrix: FloatArray) -> FloatArray | None:
    """Return a matrix's Cholesky factor, None where an eigenvalue may be below the cutoff."""
    factor, problem = dpotrf(matrix)
    if problem:
        return None
    condition = dpocon(factor, np.abs(matrix).sum(axis=0).max())[0]
    # Norms differ by at most the number of rows: no eigenvalue can be below the cutoff.
    return factor if condition > EIGENVALUE_CUTOFF * len(matrix) else None


def _undetermined(unseen: FloatArray) -> Undetermined:
    """Name the atoms of directions (n − 1, m) of :func:`neutral_basis` that the points miss."""
    if not unseen.shape[1]:
        return Undetermined()
    shares = np.square(neutral_basis(len(unseen) + 1) @ unseen).sum(axis=1)
    order = np.argsort(-shares, kind="stable")
    return Undetermined(unseen.shape[1], tuple(order[shares[order] >= _LARGE_SHARE].tolist()))

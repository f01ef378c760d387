r"""Atomic multipoles fitted to a potential: least squares with an exact total charge.

The total charge is kept by elimination, q = Q/n + N y with an orthonormal basis N (n, n − 1) of the
charges that add up to zero, and y is free. The remaining problem is solved through the singular
value decomposition, with singular values below :data:`SINGULAR_VALUE_CUTOFF` of the largest one
taken as zero. Combinations of parameters that the points cannot tell apart (buried atoms, or atomic
quadrupoles, of which there are more than a potential can tell) then get their smallest values: the
potential at the points is not touched, single values of such atoms mean little.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.linalg import null_space

from mepflow.electrostatics.atomic_terms import AtomicTerms
from mepflow.electrostatics.unit_potentials import (
    CHARGES,
    DIPOLES,
    QUADRUPOLES,
    unit_potentials,
)
from mepflow.multipoles import traceless_matrices

FloatArray = npt.NDArray[np.float64]

SINGULAR_VALUE_CUTOFF: Final = 1e-8


class Design(NamedTuple):
    """The potential at p points around n atoms of what a fit can change there.

    ``inverse`` (p, n) is that of unit charges; ``matrix`` (p, m) that of the m free parameters:
    n − 1 charges by their basis ``neutral`` (n, n − 1), then the components of dipoles and Θ′ as in
    :func:`~mepflow.electrostatics.unit_potentials.unit_potentials`.
    """

    inverse: FloatArray
    neutral: FloatArray
    matrix: FloatArray


def design(points: FloatArray, positions: FloatArray, order: int) -> Design:
    """Return the potentials that a fit of terms up to ``order`` combines.

    ``points`` (p, 3) and ``positions`` (n, 3) in bohr. Raises :class:`ValueError` where there are
    fewer points than parameters.
    """
    n = len(positions)
    inverse, *higher = unit_potentials(points, positions, order)
    inverse = inverse[:, :, 0]
    neutral = null_space(np.ones((1, n)))
    columns = [inverse @ neutral, *(unit.reshape(len(points), -1) for unit in higher)]
    matrix = np.concatenate(columns, axis=1)
    if len(points) < matrix.shape[1]:
        raise ValueError(f"{len(points)} points cannot determine {matrix.shape[1]} parameters")
    return Design(inverse, neutral, matrix)


def fit_multipoles(
    points: FloatArray,
    values: FloatArray,
    positions: FloatArray,
    total_charge: float,
    order: int = CHARGES,
) -> AtomicTerms:
    """Return the atomic terms up to ``order`` that come nearest to a potential.

    ``points`` (p, 3) and ``positions`` (n, 3) in bohr, ``values`` (p,) in hartree/e,
    ``total_charge`` in e. Method: the module's docstring.

    Raises :class:`ValueError` where there are fewer points than parameters.
    """
    n = len(positions)
    inverse, neutral, matrix = design(points, positions, order)
    start = np.full(n, total_charge / n)
    solution = np.linalg.lstsq(matrix, values - inverse @ start, rcond=SINGULAR_VALUE_CUTOFF)[0]
    charges, dipoles, quadrupoles = np.split(solution, [n - 1, min(4 * n - 1, len(solution))])
    return AtomicTerms(
        start + neutral @ charges,
        dipoles.reshape(n, 3) if order >= DIPOLES else None,
        traceless_matrices(quadrupoles.reshape(n, 5)) if order >= QUADRUPOLES else None,
    )

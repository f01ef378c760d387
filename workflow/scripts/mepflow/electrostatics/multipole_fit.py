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
from mepflow.multipoles import from_components

FloatArray = npt.NDArray[np.float64]

SINGULAR_VALUE_CUTOFF: Final = 1e-8

CHARGES: Final = 0
DIPOLES: Final = 1
QUADRUPOLES: Final = 2
"""Highest order of the terms that are fitted."""


class Design(NamedTuple):
    """The potential at p points around n atoms of what a fit can change there.

    ``inverse`` (p, n) is that of unit charges; ``matrix`` (p, m) that of the m free parameters:
    n − 1 charges by their basis ``neutral`` (n, n − 1), then 3 n dipoles, then 5 numbers per atom
    of Θ′: xx, yy, xy, xz, yz.
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
    displacement = points[:, None, :] - positions[None, :, :]
    inverse = 1.0 / np.linalg.norm(displacement, axis=-1)  # (p, n)
    neutral = null_space(np.ones((1, n)))
    columns = [inverse @ neutral]
    if order >= DIPOLES:
        columns.append((displacement * inverse[:, :, None] ** 3).reshape(len(points), 3 * n))
    if order >= QUADRUPOLES:
        x, y, z = np.moveaxis(displacement, -1, 0)
        products = [(x * x - z * z) / 2.0, (y * y - z * z) / 2.0, x * y, x * z, y * z]
        quadratic = np.stack(products, axis=-1) * inverse[:, :, None] ** 5
        columns.append(quadratic.reshape(len(points), 5 * n))
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
        _matrices(quadrupoles.reshape(n, 5)) if order >= QUADRUPOLES else None,
    )


def _matrices(numbers: FloatArray) -> FloatArray:
    """Return Θ′ (n, 3, 3) of its xx, yy, xy, xz, yz (n, 5)."""
    xx, yy, *others = numbers.T
    return np.asarray(from_components(np.stack([xx, yy, -xx - yy, *others], axis=-1)))

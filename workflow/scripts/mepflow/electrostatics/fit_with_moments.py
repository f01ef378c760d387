r"""Atomic multipoles fitted to a potential under a molecule's exact dipole and quadrupole.

Of all atomic charges, and dipoles where the order allows them, with the exact total charge, those
are taken whose molecular moments are the given ones; among these, those that come nearest to the
potential:

.. math::
    \min_x \lVert A x - b \rVert \quad\text{subject to}\quad C x = d

with the free parameters x of :func:`mepflow.electrostatics.multipole_fit.design`, their potentials
A at the points, and the three components of the dipole and five of the quadrupole that they add up
to, C. It is solved in the null space of C: x = C⁺d + N y.

Charges of few atoms, or of atoms in one plane or on one line, cannot have every dipole and
quadrupole. Then C⁺d comes as near to d as they can. Directions whose singular value is below
:data:`MOMENT_CUTOFF` of the largest one count as such: atoms that are in a plane but for noise
would need huge charges to make moments out of it.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from mepflow.electrostatics.atomic_terms import AtomicTerms
from mepflow.electrostatics.multipole_fit import SINGULAR_VALUE_CUTOFF, design
from mepflow.electrostatics.unit_potentials import DIPOLES
from mepflow.multipoles import dipole_terms, quadrupole_terms, traceless_components

FloatArray = npt.NDArray[np.float64]

MOMENT_CUTOFF: Final = 1e-3
"""Part of the largest singular value; the rows of quadrupoles are in units of the size, e·bohr."""


class Moments(NamedTuple):
    """A molecule's dipole (3,) in e·bohr and Θ′ (3, 3) in e·bohr² about ``origin`` (3,) in bohr."""

    dipole: FloatArray
    quadrupole: FloatArray
    origin: FloatArray


def moment_matrix(positions: FloatArray, order: int) -> FloatArray:
    """Return the moments (8, m) of unit charges and, from order 1 on, dipoles of n atoms.

    Rows are the dipole's x, y, z and the quadrupole's xx, yy, xy, xz, yz; columns n charges, then
    x, y, z of each atom's dipole. ``positions`` (n, 3) in bohr are relative to the moments' origin.
    """
    n = len(positions)
    ones, none = np.ones(n), np.zeros(n)
    columns = [(dipole_terms(ones, positions), quadrupole_terms(ones, positions))]
    if order >= DIPOLES:
        units = [np.tile(axis, (n, 1)) for axis in np.eye(3)]
        of_axes = [
            (dipole_terms(none, positions, unit), quadrupole_terms(none, positions, unit))
            for unit in units
        ]
        dipoles, quadrupoles = (np.stack(parts, axis=1) for parts in zip(*of_axes, strict=True))
        columns.append((dipoles.reshape(-1, 3), quadrupoles.reshape(-1, 3, 3)))
    return np.concatenate(
        [np.hstack([dipole, traceless_components(theta)]) for dipole, theta in columns]
    ).T


def fit_with_moments(
    points: FloatArray,
    values: FloatArray,
    positions: FloatArray,
    total_charge: float,
    moments: Moments,
    order: int,
) -> AtomicTerms:
    """Return the charges, and dipoles of order 1, that come nearest to a potential.

    Their molecular moments are ``moments``, or as near as the atoms allow. ``points`` (p, 3) and
    ``positions`` (n, 3) in bohr, ``values`` (p,) in hartree/e, ``total_charge`` in e. Method: the
    module's docstring.

    Raises :class:`ValueError` where there are fewer points than parameters.
    """
    n = len(positions)
    inverse, neutral, matrix = design(points, positions, order)
    start = np.full(n, total_charge / n)
    unit = moment_matrix(positions - moments.origin, order)
    wanted = [*moments.dipole, *traceless_components(moments.quadrupole[None])[0]]
    # Of the charges only those are free that add up to zero, as in the columns of the design.
    constraints = np.hstack([unit[:, :n] @ neutral, unit[:, n:]])
    scale = _scale(positions - moments.origin)
    solution = _constrained(
        matrix,
        values - inverse @ start,
        scale[:, None] * constraints,
        scale * (wanted - unit[:, :n] @ start),
    )
    charges, dipoles = np.split(solution, [n - 1])
    return AtomicTerms(
        start + neutral @ charges, dipoles.reshape(n, 3) if order >= DIPOLES else None
    )


def _scale(positions: FloatArray) -> FloatArray:
    """Return factors (8,) that bring the rows of dipole and quadrupole to one unit, e·bohr."""
    size = np.sqrt(np.mean(np.sum(positions**2, axis=1)))
    return np.repeat([1.0, 1.0 / size if size else 1.0], [3, 5])


def _constrained(
    matrix: FloatArray, values: FloatArray, constraints: FloatArray, wanted: FloatArray
) -> FloatArray:
    """Return the x that minimises |matrix x − values| among those with constraints x = wanted."""
    left, singular, right = np.linalg.svd(constraints)
    rank = int(np.sum(singular > MOMENT_CUTOFF * singular[:1]))
    inverse = (right[:rank].T / singular[:rank]) @ left[:, :rank].T
    free = right[rank:].T
    exact = inverse @ wanted
    rest = values - matrix @ exact
    found = exact + free @ np.linalg.lstsq(matrix @ free, rest, SINGULAR_VALUE_CUTOFF)[0]
    # Large terms that cancel leave an error of rounding, which a second step takes away.
    return np.asarray(found + inverse @ (wanted - constraints @ found))

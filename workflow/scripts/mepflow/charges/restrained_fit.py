r"""Charges fitted to a potential, with linear constraints and hyperbolic restraints.

The charges q minimise

.. math::
    \sum_p w \Big( \sum_i \frac{q_i}{|r_p - r_i|} - V_p \Big)^2
    + 2 a \sum_{i \in R} \Big( \sqrt{q_i^2 + b^2} - b \Big), \qquad C q = d.

The second term is that of C. I. Bayly, P. Cieplak, W. Cornell, P. A. Kollman, J. Phys. Chem. 97,
10269 (1993). With the factor 2, ``a`` is what their program adds to the diagonal of the normal
matrix, a / √(q² + b²), and has their published values; these are for points of about one per Å²,
so that the weight ``w`` of a point on a finer grid is one over its points per Å².

Directions whose eigenvalue in the normal matrix is below :data:`EIGENVALUE_CUTOFF` of the largest,
which the points hardly see (buried atoms), are left at what the constraints alone give.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.linalg import block_diag
from scipy.linalg.lapack import dposv, dpotrs

from mepflow.charges.constraints import Constraints
from mepflow.electrostatics.charge_fit import EIGENVALUE_CUTOFF, factor_of
from mepflow.electrostatics.multipole_sets import charge_equations
from mepflow.errors import MepflowError

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

CONVERGED_E: Final = 1e-9
"""Largest change of a charge in e at which the restraints have settled."""
_MOST_CYCLES: Final = 500


@dataclass(frozen=True)
class Equations:
    """Normal equations of n charges: matrix (n, n) in bohr⁻², side (n,) in e·bohr⁻², Σ w V².

    Those of several conformers of a molecule are added, each times its weight.
    """

    matrix: FloatArray
    side: FloatArray
    square: float
    weight: float

    @classmethod
    def of(
        cls, points: FloatArray, positions: FloatArray, values: FloatArray, weight: float = 1.0
    ) -> "Equations":
        """Return those of ``values`` (p,) in hartree/e at ``points`` (p, 3) in bohr.

        ``positions`` (n, 3) are the atoms' in bohr, ``weight`` is that of each point.
        """
        return cls.of_each(points, positions, values[None], weight)[0]

    @classmethod
    def of_each(
        cls, points: FloatArray, positions: FloatArray, values: FloatArray, weight: float = 1.0
    ) -> "list[Equations]":
        """Return those of each of several potentials (k, p), which share their matrix."""
        matrix, sides = charge_equations(points, positions, values)
        squares = (values * values).sum(axis=1).tolist()
        matrix *= weight
        return [
            cls(matrix, weight * side, weight * square, weight * len(points))
            for side, square in zip(sides, squares, strict=True)
        ]

    def __add__(self, other: "Equations") -> "Equations":
        return Equations(
            self.matrix + other.matrix,
            self.side + other.side,
            self.square + other.square,
            self.weight + other.weight,
        )

    def __mul__(self, factor: float) -> "Equations":
        return Equations(
            factor * self.matrix, factor * self.side, factor * self.square, factor * self.weight
        )

    def rmse(self, charges: FloatArray) -> float:
        """Return the root mean square in hartree/e of what ``charges`` (n,) leave of V."""
        left = float(charges @ self.matrix @ charges - 2.0 * charges @ self.side) + self.square
        return float(np.sqrt(max(left, 0.0) / self.weight))


def together(molecules: Sequence[Equations]) -> Equations:
    """Return the equations of several molecules, whose charges (n₁ + n₂ + …,) are fitted at once.

    Constraints may then join atoms of different molecules.
    """
    return Equations(
        block_diag(*(one.matrix for one in molecules)),
        np.concatenate([one.side for one in molecules]),
        sum(one.square for one in molecules),
        sum(one.weight for one in molecules),
    )


@dataclass(frozen=True)
class Restraint:
    """Hyperbolic restraints to 0: strength ``a`` (atomic units), tightness ``b`` in e, atoms (n,).

    ``atoms`` tells which are restrained.
    """

    a: float
    b: float
    atoms: BoolArray


def fit_charges(
    equations: Equations, constraints: Constraints, restraint: Restraint | None = None
) -> FloatArray:
    """Return the charges (n,) in e.

    Raises :class:`~mepflow.errors.InputError` for constraints that contradict each other, and
    :class:`MepflowError` where the restraints do not settle.
    """
    start, basis = constraints.solutions()
    if not basis.shape[1]:
        return start
    basis, matrix, factor = _seen(basis, equations.matrix)
    wanted = basis.T @ (equations.side - equations.matrix @ start)
    charges = start + basis @ dpotrs(factor, wanted)[0]
    if restraint is None:
        return np.asarray(charges)
    return _restrained(charges, start, basis, matrix, wanted, restraint)


def _seen(basis: FloatArray, normal: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return a basis of what the points see, the normal matrix in it, and its Cholesky factor."""
    matrix = basis.T @ normal @ basis
    factor = factor_of(matrix)
    if factor is not None:
        return basis, matrix, factor
    values, vectors = np.linalg.eigh(matrix)
    seen = values > EIGENVALUE_CUTOFF * values[-1]
    diagonal = np.diag(values[seen])
    return basis @ vectors[:, seen], diagonal, np.sqrt(diagonal)


def _restrained(
    charges: FloatArray,
    start: FloatArray,
    basis: FloatArray,
    matrix: FloatArray,
    wanted: FloatArray,
    restraint: Restraint,
) -> FloatArray:
    """Return the restrained minimum, from ``charges`` on: ``start`` and what ``basis`` may add.

    The steps are Newton's while they make the slope smaller; from the first that does not on, those
    with the restraints of the last charges, which always go down.
    """
    strength = np.where(restraint.atoms, restraint.a, 0.0)
    free = basis.T @ (charges - start)
    is_newton, last_size = True, np.inf
    for _ in range(_MOST_CYCLES):
        pull = strength / np.sqrt(charges**2 + restraint.b**2)
        slope = matrix @ free - wanted + basis.T @ (pull * charges)
        size = float(np.abs(slope).max())
        is_newton, last_size = is_newton and size < last_size, size
        curvature = pull
        if is_newton:
            curvature = pull * (restraint.b**2 / (charges**2 + restraint.b**2))
        change = dposv(matrix + basis.T @ (curvature[:, None] * basis), slope)[1]
        free = free - change
        step = basis @ change
        charges = charges - step
        if np.abs(step).max() < CONVERGED_E:
            return np.asarray(charges)
    raise MepflowError("The restraints of the charges do not settle: weaken them.")

"""Linear constraints on the charges of a fit, C q = d."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from scipy.linalg import qr, solve_triangular

from mepflow.electrostatics.multipole_sets import neutral_basis
from mepflow.errors import InputError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_CONTRADICTION: Final = 1e-8
"""In e or e·bohr: constraints that are further off in every solution contradict each other."""

_SMALLEST_EXTENT_BOHR: Final = 0.1
"""Root mean square distance of the atoms from their mean, along an axis."""
_DEPENDENT: Final = 1e-10
"""Relative size below which a row follows from the others."""


@dataclass(frozen=True)
class Constraints:
    """Rows (m, n) of coefficients and what they must give (m,), for n charges in e."""

    rows: FloatArray
    values: FloatArray

    @classmethod
    def total(cls, n: int, charge: float, atoms: Iterable[int] | None = None) -> Self:
        """Let the charges of ``atoms``, counted from 0, or of all, add up to ``charge`` in e."""
        row = np.zeros((1, n))
        row[0, slice(None) if atoms is None else list(atoms)] = 1.0
        return cls(row, np.array([float(charge)]))

    @classmethod
    def equal(cls, classes: Sequence[int] | IntArray) -> Self:
        """Let atoms of the same class (n,) have the same charge."""
        _, begins, places = np.unique(classes, return_index=True, return_inverse=True)
        firsts = begins[places]
        others = np.flatnonzero(firsts != np.arange(len(firsts)))
        rows = np.zeros((len(others), len(firsts)))
        each = np.arange(len(others))
        rows[each, firsts[others]], rows[each, others] = 1.0, -1.0
        return cls(rows, np.zeros(len(others)))

    @classmethod
    def fixed(cls, charges: FloatArray, atoms: Iterable[int]) -> Self:
        """Keep the ``charges`` (n,) of some ``atoms``."""
        chosen = list(atoms)
        return cls(np.eye(len(charges))[chosen], charges[chosen])

    @classmethod
    def dipole(cls, positions: FloatArray, dipole: FloatArray) -> Self:
        """Let charges at ``positions`` (n, 3) in bohr have a ``dipole`` (3,) in e·bohr.

        Across a line or a plane of atoms no charges have a dipole: along principal axes in which
        the atoms extend less than :data:`_SMALLEST_EXTENT_BOHR` it is left as it comes.
        """
        _, sizes, axes = np.linalg.svd(positions - positions.mean(axis=0), full_matrices=False)
        axes = axes[sizes > _SMALLEST_EXTENT_BOHR * len(positions) ** 0.5]
        return cls(axes @ positions.T, axes @ dipole)

    def __and__(self, other: "Constraints") -> "Constraints":
        return Constraints(
            np.concatenate([self.rows, other.rows]), np.concatenate([self.values, other.values])
        )

    def solutions(self) -> tuple[FloatArray, FloatArray]:
        """Return one solution (n,) and an orthonormal basis (n, k) of what may be added to it.

        Raises :class:`InputError` where there is none.
        """
        n = self.rows.shape[1]
        if not len(self.rows):
            return np.zeros(n), np.eye(n)
        if len(self.rows) == 1 and (self.rows == 1.0).all():
            return np.full(n, self.values[0] / n), neutral_basis(n)
        # Columns with pivots, so that rows that say the same twice do no harm.
        full, triangle, order = qr(self.rows.T, pivoting=True, check_finite=False)
        sizes = np.abs(np.diag(triangle))
        rank = int(np.sum(sizes > _DEPENDENT * sizes[0])) if sizes[0] else 0
        known = solve_triangular(triangle[:rank, :rank], self.values[order[:rank]], trans="T")
        one = full[:, :rank] @ known
        if np.abs(self.rows @ one - self.values).max() > _CONTRADICTION:
            raise InputError(
                "The constraints on the charges contradict each other: leave one of them out "
                "(atoms that are to be equal may not allow the dipole)."
            )
        return np.asarray(one), np.asarray(full[:, rank:])

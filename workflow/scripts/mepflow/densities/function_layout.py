"""Where a molecule's coefficients stand among the numbers that a network gives for its atoms.

A network gives every atom as many numbers as the element with the most functions needs: for each l,
functions by place, each with its components m = −l to l. Shells of an element that has fewer are
left out.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mepflow.densities.auxiliary_basis import AuxiliaryBasis, function_table

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FunctionLayout:
    """``counts``: the most shells of any element for each l from 0 on."""

    basis: AuxiliaryBasis
    counts: tuple[int, ...]

    @classmethod
    def of(cls, basis: AuxiliaryBasis) -> "FunctionLayout":
        """Return the layout of a basis."""
        per_element = [shell_counts(basis, number) for number in basis.shells]
        width = max(map(len, per_element))
        padded = [counts + [0] * (width - len(counts)) for counts in per_element]
        return cls(basis, tuple(int(most) for most in np.max(padded, axis=0)))

    @property
    def width(self) -> int:
        """Numbers per atom."""
        return sum(count * (2 * degree + 1) for degree, count in enumerate(self.counts))

    def places(self, numbers: IntArray) -> IntArray:
        """Return where each function (P,) of atoms stands among the numbers (n, width), flat."""
        table = function_table(self.basis, numbers)
        sizes = [count * (2 * degree + 1) for degree, count in enumerate(self.counts)]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        component = table.orders + table.degrees
        inside = starts[table.degrees] + table.places * (2 * table.degrees + 1) + component
        return np.asarray(table.atoms * self.width + inside)


def shell_counts(basis: AuxiliaryBasis, number: int) -> list[int]:
    """Return how many shells an element has for each l from 0 on."""
    degrees = [shell.degree for shell in basis.shells[number]]
    return [degrees.count(degree) for degree in range(max(degrees) + 1)]

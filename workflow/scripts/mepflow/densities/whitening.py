r"""Coefficients of one atom and l, in combinations that are orthonormal in the Coulomb metric.

With the block :math:`J_l = (\chi_s | \chi_{s'})` of an atom's shells of one l, the same for every
component m, coefficients are :math:`c = J_l^{-1/2} x`. The sum of squares of x is the Coulomb
energy of these shells; one learning rate fits all of them. Only shells are combined, so x turns as
c does.
"""

import numpy as np
import numpy.typing as npt

from mepflow.densities.auxiliary_basis import AuxiliaryBasis, function_table
from mepflow.densities.density_moments import function_moments

FloatArray = npt.NDArray[np.float64]

Blocks = dict[int, list[FloatArray]]
"""By atomic number and l: matrices (shells, shells)."""


def whitening(basis: AuxiliaryBasis, coulomb: dict[int, FloatArray]) -> Blocks:
    """Return J^(−1/2) of every element and l; ``coulomb`` are (χ|χ′) (P, P) of single atoms."""
    found: Blocks = {}
    for number, matrix in coulomb.items():
        table = function_table(basis, [number])
        blocks = []
        for degree in range(int(table.degrees.max()) + 1):
            chosen = np.flatnonzero((table.degrees == degree) & (table.orders == 0))
            values, vectors = np.linalg.eigh(matrix[np.ix_(chosen, chosen)])
            blocks.append((vectors / np.sqrt(values)) @ vectors.T)
        found[number] = blocks
    return found


def electrons_of_shells(basis: AuxiliaryBasis, number: int) -> FloatArray:
    """Return ∫χ (s,) of an element's shells of l = 0."""
    numbers = np.array([number])
    table = function_table(basis, numbers)
    electrons = function_moments(basis, numbers, np.zeros((1, 3))).number
    return np.asarray(electrons[table.degrees == 0])

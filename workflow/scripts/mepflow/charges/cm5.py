r"""CM5 charges: charges of Hirshfeld, corrected pair by pair.

A. V. Marenich, S. V. Jerome, C. J. Cramer, D. G. Truhlar, J. Chem. Theory Comput. 8, 527 (2012):

.. math::
    q_k = q_k^\text{Hirshfeld} + \sum_{k' \ne k} T_{kk'} \,
    e^{-\alpha (r_{kk'} - R_k - R_{k'})}, \qquad T_{kk'} = -T_{k'k},

where T is a parameter of the two elements, or else the difference of their own ones.
"""

from collections.abc import Mapping
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from mepflow.elements import symbol
from mepflow.errors import InputError
from mepflow.units import BOHR_IN_ANGSTROM

FloatArray = npt.NDArray[np.float64]

_ALPHA: Final = 2.474
"""In Å⁻¹."""
_ELEMENTS: Final[Mapping[int, tuple[float, float]]] = {
    1: (0.32, 0.0056), 5: (0.84, -0.1030), 6: (0.75, -0.0446), 7: (0.71, -0.1072),
    8: (0.64, -0.0802), 9: (0.60, -0.0629), 14: (1.14, -0.0790), 15: (1.09, -0.0756),
    16: (1.04, -0.0565), 17: (1.00, -0.0444), 35: (1.17, -0.0313), 53: (1.36, -0.0220),
}  # fmt: skip
"""Covalent radius R in Å and own parameter D in e, by atomic number."""
_PAIRS: Final[Mapping[tuple[int, int], float]] = {
    (1, 6): 0.0502, (1, 7): 0.1747, (1, 8): 0.1671,
    (6, 7): 0.0556, (6, 8): 0.0234, (7, 8): -0.0346,
}  # fmt: skip
"""T in e of the pairs that have one of their own."""


def cm5_charges(
    atomic_numbers: npt.ArrayLike, positions: FloatArray, hirshfeld: FloatArray
) -> FloatArray:
    """Return the charges (n,) in e of atoms at ``positions`` (n, 3) in bohr.

    ``hirshfeld`` are their Hirshfeld charges (n,) in e; the sum stays. Raises :class:`InputError`
    for an element without parameters.
    """
    numbers = np.asarray(atomic_numbers).astype(int)
    if unknown := sorted(set(numbers.tolist()) - set(_ELEMENTS)):
        raise InputError(f"CM5 has no parameters here for {', '.join(map(symbol, unknown))}")
    radii = np.array([_ELEMENTS[number][0] for number in numbers.tolist()])
    distances = cdist(positions, positions) * BOHR_IN_ANGSTROM
    orders = np.exp(-_ALPHA * (distances - radii[:, None] - radii))
    return np.asarray(hirshfeld + np.sum(_parameters(numbers) * orders, axis=1))


def _parameters(numbers: npt.NDArray[np.int64]) -> FloatArray:
    """Return T (n, n) in e, which is 0 for atoms of the same element."""
    own: FloatArray = np.array([_ELEMENTS[number][1] for number in numbers.tolist()])
    found = np.subtract.outer(own, own)
    for first, second in combinations(np.unique(numbers).tolist(), 2):
        if (value := _PAIRS.get((first, second))) is not None:
            found[np.ix_(numbers == first, numbers == second)] = value
            found[np.ix_(numbers == second, numbers == first)] = -value
    return found

"""Symmetric matrices of three rows as tblite packs them."""

import numpy as np
import numpy.typing as npt


def matrix_of(packed: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the matrix of xx, xy, yy, xz, yz, zz, row by row (9,)."""
    return packed[[0, 1, 3, 1, 2, 4, 3, 4, 5]]

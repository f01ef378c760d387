"""Potentials of unit atomic multipoles: what a potential that is linear in them is made of."""

from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

CHARGES: Final = 0
DIPOLES: Final = 1
QUADRUPOLES: Final = 2
"""Highest order of the multipoles."""


def unit_potentials(points: FloatArray, positions: FloatArray, order: int) -> list[FloatArray]:
    """Return the potentials (p, n, c) of n atoms' unit charges, dipoles and quadrupoles.

    There is an array for each order up to ``order``, with c of 1, 3 and 5: of Θ′ these are the
    independent components xx, yy, xy, xz, yz, with zz = −xx − yy. ``points`` (p, 3) and
    ``positions`` (n, 3) are in bohr. Formula: :mod:`mepflow.electrostatics.potential`.
    """
    displacement = points[:, None, :] - positions[None, :, :]
    inverse = 1.0 / np.linalg.norm(displacement, axis=-1)[:, :, None]
    found = [inverse]
    if order >= DIPOLES:
        found.append(displacement * inverse**3)
    if order >= QUADRUPOLES:
        x, y, z = np.moveaxis(displacement, -1, 0)
        forms = [(x * x - z * z) / 2.0, (y * y - z * z) / 2.0, x * y, x * z, y * z]
        found.append(np.stack(forms, axis=-1) * inverse**5)
    return found

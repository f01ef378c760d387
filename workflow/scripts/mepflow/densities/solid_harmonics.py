r"""Real regular solid harmonics :math:`r^l Y_{lm}` of NumPy arrays and torch tensors.

Orthonormal on the unit sphere, without the Condon–Shortley phase, so that those of l = 1 are
positive multiples of x, y and z: PySCF's. They are polynomials, built by the recurrences of T.
Helgaker, P. Jørgensen, J. Olsen, Molecular Electronic-Structure Theory (Wiley, 2000), section 6.4,
and thus smooth at the origin.
"""

import math
from typing import Any

from array_api_compat import array_namespace

Array = Any


def solid_harmonics(vectors: Array, highest: int) -> list[Array]:
    """Return r^l Y_lm (..., 2l + 1) for l = 0 to ``highest``, each in the order m = −l to l.

    ``vectors`` (..., 3).
    """
    xp = array_namespace(vectors)
    x, y, z = (vectors[..., axis] for axis in range(3))
    square = x * x + y * y + z * z
    one = xp.ones_like(x)
    cosines, sines = _azimuthal(x, y, one, highest)
    columns: dict[tuple[int, int], Array] = {}
    for m in range(highest + 1):
        for degree, polar in enumerate(_polar(z, square, one, m, highest), start=m):
            scale = _norm(degree, m)
            columns[degree, m] = scale * polar * cosines[m]
            if m:
                columns[degree, -m] = scale * polar * sines[m]
    return [
        xp.stack([columns[degree, m] for m in range(-degree, degree + 1)], axis=-1)
        for degree in range(highest + 1)
    ]


def _azimuthal(x: Array, y: Array, one: Array, highest: int) -> tuple[list[Array], list[Array]]:
    """Return the real and imaginary parts of (x + iy)^m."""
    cosines, sines = [one], [0.0 * one]
    for m in range(highest):
        cosine, sine = cosines[m], sines[m]
        cosines.append(x * cosine - y * sine)
        sines.append(x * sine + y * cosine)
    return cosines, sines


def _polar(z: Array, square: Array, one: Array, m: int, highest: int) -> list[Array]:
    """Return r^(l−m) times the m-th derivative of the Legendre polynomial of l = m to highest."""
    found = [math.prod(range(2 * m - 1, 0, -2)) * one]
    for degree in range(m + 1, highest + 1):
        value = (2 * degree - 1) * z * found[-1]
        if degree > m + 1:
            value = value - (degree + m - 1) * square * found[-2]
        found.append(value / (degree - m))
    return found


def _norm(degree: int, m: int) -> float:
    ratio = math.factorial(degree - m) / math.factorial(degree + m)
    double = 2.0 if m else 1.0
    return math.sqrt(double * (2 * degree + 1) / (4.0 * math.pi) * ratio)

r"""Electric field of atomic multipoles: minus the gradient of their potential, in closed form.

With d = r − r_i and the terms of :mod:`mepflow.electrostatics.potential`,

.. math::
    E = \sum_i \Big( \frac{q}{d^3} + \frac{3\, \mu \cdot d}{d^5}
        + \frac{5}{2} \frac{d^T \Theta' d}{d^7} \Big) d - \frac{\mu}{d^3} - \frac{\Theta' d}{d^5},

and of a valence shell of N electrons and width σ (:mod:`mepflow.electrostatics.penetration`)
N (1/d² + 1/(σ d) + 1/(2σ²)) e^{−d/σ} along d.
"""

import ctypes
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from mepflow import compiler
from mepflow.electrostatics.potential import CLOSEST_BOHR, Shells

FloatArray = npt.NDArray[np.float64]

SOURCE: Final = Path(__file__).with_name("field.cpp")
_BLOCK_NUMBERS: Final = 1 << 18


def potential_and_field(
    points: FloatArray,
    positions: FloatArray,
    charges: FloatArray,
    dipoles: FloatArray | None = None,
    quadrupoles: FloatArray | None = None,
    penetration: Shells | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Return the potential (p,) in hartree/e and the field (p, 3) in hartree/(e·bohr).

    ``points`` (p, 3) and ``positions`` (n, 3) in bohr, ``charges`` (n,) in e, ``dipoles`` (n, 3) in
    e·bohr, ``quadrupoles`` (n, 3, 3) in e·bohr²: Θ′.

    Raises :class:`ValueError` where a point lies on an atom.
    """
    electrons, widths = (None, None) if penetration is None else penetration
    terms = (charges, dipoles, quadrupoles, electrons, widths)
    library = _library()
    if library is not None:
        return _compiled(library, points, positions, terms)
    size = max(1, _BLOCK_NUMBERS // (12 * len(positions)))
    parts = [
        _of_block(points[first : first + size], positions, *terms)
        for first in range(0, len(points), size)
    ]
    if not parts:
        return np.empty(0), np.empty((0, 3))
    values, fields = zip(*parts, strict=True)
    return np.concatenate(values), np.concatenate(fields)


def _compiled(
    library: ctypes.CDLL,
    points: FloatArray,
    positions: FloatArray,
    terms: tuple[FloatArray | None, ...],
) -> tuple[FloatArray, FloatArray]:
    given = [
        None if array is None else np.ascontiguousarray(array, np.float64)
        for array in (points, positions, *terms)
    ]
    values, fields = np.empty(len(points)), np.empty((len(points), 3))
    addresses = [None if array is None else array.ctypes.data for array in (*given, values, fields)]
    is_whole = library.field(
        *map(ctypes.c_void_p, addresses),
        *map(ctypes.c_int64, (len(points), len(positions))),
        ctypes.c_double(CLOSEST_BOHR**2),
    )
    if not is_whole:
        raise _on_an_atom()
    return values, fields


def _of_block(
    points: FloatArray,
    positions: FloatArray,
    charges: FloatArray,
    dipoles: FloatArray | None,
    quadrupoles: FloatArray | None,
    electrons: FloatArray | None,
    widths: FloatArray | None,
) -> tuple[FloatArray, FloatArray]:
    away = points[:, None] - positions
    distances = np.linalg.norm(away, axis=-1)
    if distances.size and distances.min() <= CLOSEST_BOHR:
        raise _on_an_atom()
    u = 1.0 / distances
    values, radial, fields = charges * u, charges * u**3, np.zeros_like(points)
    if dipoles is not None:
        along = np.einsum("pni,ni->pn", away, dipoles)
        values, radial = values + along * u**3, radial + 3.0 * along * u**5
        fields -= u**3 @ dipoles
    if quadrupoles is not None:
        image = np.einsum("pni,nij->pnj", away, quadrupoles)
        twice = np.einsum("pni,pni->pn", away, image)
        values, radial = values + 0.5 * twice * u**5, radial + 2.5 * twice * u**7
        fields -= np.einsum("pn,pni->pi", u**5, image)
    if electrons is not None and widths is not None:
        shell = electrons * np.exp(-distances / widths)
        values = values + shell * (u + 0.5 / widths)
        radial = radial + shell * u * (u**2 + u / widths + 0.5 / widths**2)
    return values.sum(axis=1), fields + np.einsum("pn,pni->pi", radial, away)


def _on_an_atom() -> ValueError:
    return ValueError("a point lies on an atom, where the field of point multipoles is infinite")


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL | None:
    return compiler.load(SOURCE, "the field of multipoles")

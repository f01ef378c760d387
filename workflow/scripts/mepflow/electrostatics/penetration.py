r"""Penetration: what point multipoles lack where electron shells overlap a point.

Outside an atom's density its nucleus and electrons act as points. Nearer, the electrons farther out
than the point no longer screen the nucleus. With one Slater shell of the N valence electrons of the
neutral atom, ρ(r) = N e^{−r/σ} / (8πσ³), and the core taken as a point,

.. math::
    V_\text{pen}(d) = N \left( \frac{1}{d} + \frac{1}{2\sigma} \right) e^{-d/\sigma}

is the potential of nucleus, core and shell, less that of the point charge that they are from afar
(for a neutral atom all of it). It is added to that of the multipoles. It decays exponentially, so
it changes no multipole moment.

The width σ of an element is a row of ``penetration`` in the configuration, by basis set: made by
``tools/fit_penetration.py``. A basis with diffuse functions has wider shells.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from mepflow.electrostatics.potential import Shells, potential
from mepflow.elements import ATOMIC_NUMBERS, symbol
from mepflow.errors import ConfigError

IntArray = npt.NDArray[np.integer[Any]]
FloatArray = npt.NDArray[np.float64]
Widths = Mapping[str, float]
"""σ in bohr by element: a row of ``penetration``."""

VALENCE_ELECTRONS: Final[Mapping[str, int]] = {
    **{"H": 1, "B": 3, "C": 4, "N": 5, "O": 6, "F": 7},
    **{"Si": 4, "P": 5, "S": 6, "Cl": 7, "Br": 7, "I": 7},
}
"""Electrons in the outermost shell of the neutral atom."""


def shells_of(atomic_numbers: IntArray, widths: Widths) -> Shells:
    """Return the shells of atoms (n,); ``widths`` in bohr by symbol.

    Raises :class:`ConfigError` naming the elements that have no width.
    """
    missing = elements_without_width(atomic_numbers, widths)
    if missing:
        raise ConfigError(
            f"no penetration width for {', '.join(missing)} (there are {', '.join(widths)}): fit "
            "one with tools/fit_penetration.py and add it to `penetration` of "
            "config/definitions.yaml."
        )
    symbols = [symbol(int(number)) for number in atomic_numbers]
    return Shells(
        np.array([float(VALENCE_ELECTRONS[name]) for name in symbols]),
        np.array([float(widths[name]) for name in symbols]),
    )


def known_shells(atomic_numbers: IntArray, widths: Widths | None) -> Shells | None:
    """Return the shells of atoms (n,), or None where ``widths`` lack one of their elements."""
    if not widths or elements_without_width(atomic_numbers, widths):
        return None
    return shells_of(atomic_numbers, widths)


def elements_without_width(atomic_numbers: IntArray, widths: Widths) -> tuple[str, ...]:
    """Return the symbols of the elements among atoms (n,) that ``widths`` says nothing of."""
    known = {ATOMIC_NUMBERS[name] for name in widths if name in VALENCE_ELECTRONS}
    return tuple(symbol(number) for number in sorted({*map(int, atomic_numbers)} - known))


def penetration_potential(
    points: FloatArray, positions: FloatArray, shells: Shells, radii: FloatArray | None = None
) -> FloatArray:
    """Return V_pen (p,) in hartree/e alone, at ``points`` (p, 3) around ``positions`` in bohr.

    ``radii`` as in :func:`mepflow.electrostatics.potential.potential`.
    """
    nothing = np.zeros(len(positions))
    return np.asarray(potential(points, positions, nothing, radii=radii, penetration=shells))

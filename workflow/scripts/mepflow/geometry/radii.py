"""Van der Waals radii: what "1.4 × Bondi" means in a grid's settings.

- A. Bondi, J. Phys. Chem. 68, 441 (1964), doi:10.1021/j100785a001 (hydrogen is Bondi's 1.20 Å, not
  the 1.10 Å of later tables), for the main-group elements that it lists;
- M. Mantina, A. C. Chamberlin, R. Valero, C. J. Cramer, D. G. Truhlar, J. Phys. Chem. A 113, 5806
  (2009), doi:10.1021/jp8111556, for main-group elements that Bondi left out.

Transition metals have no radius here: Bondi's are not meant for molecules.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from mepflow.elements import ATOMIC_NUMBERS, symbol
from mepflow.errors import InputError
from mepflow.units import ANGSTROM_IN_BOHR

FloatArray = npt.NDArray[np.float64]

CORE_SCALE: Final = 0.5
"""Radii within which a point multipole says nothing about the potential, in Bondi radii."""

# fmt: off
BONDI_ANGSTROM: Final[dict[str, float]] = {
    "H": 1.20, "He": 1.40,
    "Li": 1.82, "C": 1.70, "N": 1.55, "O": 1.52, "F": 1.47, "Ne": 1.54,
    "Na": 2.27, "Mg": 1.73, "Si": 2.10, "P": 1.80, "S": 1.80, "Cl": 1.75, "Ar": 1.88,
    "K": 2.75, "Ga": 1.87, "As": 1.85, "Se": 1.90, "Br": 1.85, "Kr": 2.02,
    "In": 1.93, "Sn": 2.17, "Te": 2.06, "I": 1.98, "Xe": 2.16,
}
MANTINA_ANGSTROM: Final[dict[str, float]] = {
    "Be": 1.53, "B": 1.92, "Al": 1.84, "Ca": 2.31, "Ge": 2.11, "Rb": 3.03, "Sr": 2.49, "Sb": 2.06,
}
# fmt: on

_RADII_BOHR: Final[dict[int, float]] = {
    ATOMIC_NUMBERS[name]: radius * ANGSTROM_IN_BOHR
    for name, radius in (BONDI_ANGSTROM | MANTINA_ANGSTROM).items()
}


def bondi_radii(atomic_numbers: npt.ArrayLike) -> FloatArray:
    """Return the van der Waals radii (n,) in bohr of the elements ``atomic_numbers`` (n,).

    Raises :class:`InputError` naming the elements that have none.
    """
    numbers = [int(number) for number in np.asarray(atomic_numbers).ravel()]
    missing = sorted(set(numbers) - _RADII_BOHR.keys())
    if missing:
        names = ", ".join(symbol(number) for number in missing)
        raise InputError(
            f"no van der Waals radius is known for {names}: leave molecules with it out "
            "(the filters' list of elements) or add its radius, with the source, to radii.py."
        )
    return np.array([_RADII_BOHR[number] for number in numbers])

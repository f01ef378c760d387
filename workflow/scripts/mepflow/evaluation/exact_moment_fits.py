"""Baselines fitted to a molecule's potential under its exact dipole and quadrupole.

What charges (and dipoles) could reach at best if they learned the moments to the last digit: the
penetration of shells has no moment, so the same ones hold with and without it.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from mepflow.electrostatics.atomic_terms import AtomicTerms
from mepflow.electrostatics.fit_with_moments import Moments, fit_with_moments
from mepflow.electrostatics.unit_potentials import CHARGES, DIPOLES
from mepflow.errors import InputError
from mepflow.molecules import MoleculeTable
from mepflow.multipoles import centre_of_nuclear_charge

FloatArray = npt.NDArray[np.float64]

ORDERS: Final = {
    "fitted-charges-exact-moments": CHARGES,
    "fitted-charges-dipoles-exact-moments": DIPOLES,
}
"""Highest order of the terms that a baseline fits."""


def fit(
    table: MoleculeTable, index: int, points: FloatArray, values: FloatArray, order: int
) -> AtomicTerms:
    """Return the terms of a table's molecule with its moments that come nearest to ``values`` (p,).

    ``points`` (p, 3) in bohr, ``values`` in hartree/e. Raises :class:`InputError` where the table
    has no moments, :class:`ValueError` where there are fewer points than parameters.
    """
    if not {"dipole", "quadrupole"} <= set(table.properties):
        raise InputError(
            "the reference has no dipole and quadrupole, which fits with exact moments need: "
            "leave these baselines out."
        )
    molecule = table.molecule(index)
    moments = Moments(
        table.property_of("dipole", index),
        table.property_of("quadrupole", index),
        centre_of_nuclear_charge(molecule.atomic_numbers, molecule.positions),
    )
    return fit_with_moments(
        points, values, molecule.positions, molecule.total_charge, moments, order
    )

"""Baselines fitted to a molecule's potential with nothing but its exact total charge."""

from typing import Final

import numpy as np
import numpy.typing as npt

from mepflow.electrostatics.atomic_terms import AtomicTerms
from mepflow.electrostatics.multipole_fit import fit_multipoles
from mepflow.electrostatics.unit_potentials import CHARGES, DIPOLES, QUADRUPOLES
from mepflow.molecules import MoleculeTable

FloatArray = npt.NDArray[np.float64]

ORDERS: Final = {
    "fitted-charges": CHARGES,
    "fitted-charges-dipoles": DIPOLES,
    "fitted-charges-dipoles-quadrupoles": QUADRUPOLES,
}
"""Highest order of the terms that a baseline fits."""


def fit(
    table: MoleculeTable, index: int, points: FloatArray, values: FloatArray, order: int
) -> AtomicTerms:
    """Return the terms of a table's molecule that come nearest to ``values`` (p,) in hartree/e.

    ``points`` (p, 3) in bohr. Raises :class:`ValueError` where these are fewer than the parameters.
    """
    molecule = table.molecule(index)
    return fit_multipoles(points, values, molecule.positions, molecule.total_charge, order)

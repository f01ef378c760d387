"""Atomic multipoles of a molecule, and the molecular ones that they add up to."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mepflow.molecules import Molecule, MoleculeTable
from mepflow.multipoles import centre_of_nuclear_charge, dipole_terms, quadrupole_terms

FloatArray = npt.NDArray[np.float64]


class AtomicTerms(NamedTuple):
    """Charges (n,) in e, dipoles (n, 3) in e·bohr or None, Θ′ (n, 3, 3) in e·bohr² or None."""

    charges: FloatArray
    dipoles: FloatArray | None = None
    quadrupoles: FloatArray | None = None


def predicted_terms(table: MoleculeTable, index: int) -> AtomicTerms:
    """Return the atomic terms of the molecule in row ``index`` of a predictions table."""
    dipoles, quadrupoles = (
        table.property_of(name, index) if name in table.properties else None
        for name in ("atomic_dipoles", "atomic_quadrupoles")
    )
    return AtomicTerms(table.property_of("atomic_charges", index), dipoles, quadrupoles)


def molecular_multipoles(molecule: Molecule, terms: AtomicTerms) -> tuple[FloatArray, FloatArray]:
    """Return the dipole (3,) and Θ′ (3, 3) of atomic terms about the centre of nuclear charge.

    The formulas are those of :mod:`mepflow.multipoles`.
    """
    origin = centre_of_nuclear_charge(molecule.atomic_numbers, molecule.positions)
    arguments = (terms.charges, molecule.positions - origin, terms.dipoles)
    quadrupole = quadrupole_terms(*arguments, terms.quadrupoles).sum(axis=0)
    return dipole_terms(*arguments).sum(axis=0), quadrupole

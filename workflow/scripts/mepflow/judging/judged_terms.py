"""What is judged of a molecule: multipoles of its atoms, or charges that lie beside them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from mepflow.electrostatics.atomic_terms import AtomicTerms, molecular_multipoles
from mepflow.electrostatics.penetration import Widths, known_shells
from mepflow.electrostatics.potential import potential
from mepflow.molecules import Molecule
from mepflow.multipoles import centre_of_nuclear_charge, dipole_terms, quadrupole_terms

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class OffCentreCharges:
    """Charges (m,) in e at positions (m, 3) in bohr."""

    charges: FloatArray
    positions: FloatArray


JudgedTerms = AtomicTerms | OffCentreCharges


def values_of(
    terms: JudgedTerms, molecule: Molecule, points: FloatArray, widths: Widths | None
) -> FloatArray:
    """Return the potential (p,) in hartree/e of terms at ``points`` (p, 3) in bohr.

    That of atomic ones has penetration where ``widths`` in bohr have all elements of the molecule.
    """
    if isinstance(terms, OffCentreCharges):
        return np.asarray(potential(points, terms.positions, terms.charges))
    shells = known_shells(molecule.atomic_numbers, widths)
    return np.asarray(potential(points, molecule.positions, *terms, penetration=shells))


def moments_of(terms: JudgedTerms, molecule: Molecule) -> tuple[FloatArray, FloatArray]:
    """Return the dipole (3,) in e·bohr and Θ′ (3, 3) about the centre of nuclear charge."""
    if not isinstance(terms, OffCentreCharges):
        return molecular_multipoles(molecule, terms)
    origin = centre_of_nuclear_charge(molecule.atomic_numbers, molecule.positions)
    arguments = (terms.charges, terms.positions - origin, None)
    return dipole_terms(*arguments).sum(axis=0), quadrupole_terms(*arguments).sum(axis=0)


def moved(terms: JudgedTerms, theirs: FloatArray | None, ours: FloatArray) -> JudgedTerms:
    """Return terms of atoms at ``theirs`` (n, 3) for the same atoms at ``ours`` (Kabsch's turn)."""
    if theirs is None:
        return terms
    centres = theirs.mean(axis=0), ours.mean(axis=0)
    turn = np.eye(3)
    if len(ours) > 1:
        turn = Rotation.align_vectors(ours - centres[1], theirs - centres[0])[0].as_matrix()
    if isinstance(terms, OffCentreCharges):
        return OffCentreCharges(terms.charges, (terms.positions - centres[0]) @ turn.T + centres[1])
    charges, dipoles, quadrupoles = terms
    return AtomicTerms(
        charges,
        None if dipoles is None else dipoles @ turn.T,
        None if quadrupoles is None else turn @ quadrupoles @ turn.T,
    )

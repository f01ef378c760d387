"""Which structure of a reference the charges of a file belong to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import pdist

from mepflow.electrostatics.atomic_terms import AtomicTerms
from mepflow.judging.charge_readers import ChargedStructure
from mepflow.judging.judged_terms import JudgedTerms, OffCentreCharges, moved
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.units import BOHR_IN_ANGSTROM

FloatArray = npt.NDArray[np.float64]

TOLERANCE_ANGSTROM: Final = 0.05
"""Largest difference of a distance between two atoms at which a geometry is the reference's."""
TOLERANCE_E: Final = 0.01
"""Sums of charges that are further from the total charge are remarked."""


@dataclass
class Matched:
    """Terms of one row of the table by row of the reference, and what was remarked."""

    name: str
    terms: dict[int, JudgedTerms] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def match(
    name: str, structures: Sequence[ChargedStructure], reference: MoleculeTable
) -> list[Matched]:
    """Return the charges of a file by row of the reference, and what it has besides.

    A structure belongs to the one of its name, or else to the one of its atoms and geometry. One
    with other atoms, or another geometry, is remarked and left out.
    """
    charges, multipoles = Matched(name), Matched(f"{name}, multipoles")
    off_centre = Matched(f"{name}, off-centre charges")
    by_name = {key: row for row, key in enumerate(reference.ids)}
    for one in structures:
        row = by_name.get(one.name)
        row = _by_geometry(one, reference) if row is None else row
        if row is None:
            charges.remarks.append(f"{one.place}: no structure of the reference is {one.name}")
            continue
        molecule = reference.molecule(row)
        problem = _difference(one, molecule)
        if problem:
            charges.remarks.append(f"{one.place}: {problem}")
            continue
        if row in charges.terms:
            charges.remarks.append(f"{one.place}: a second {molecule.id}, which does not count")
            continue
        excess = float(one.charges.sum()) - molecule.total_charge
        if abs(excess) > TOLERANCE_E:
            charges.remarks.append(
                f"{one.place}: its charges add up to {one.charges.sum():.3f} e, the molecule's is "
                f"{molecule.total_charge}"
            )
        charges.terms[row] = AtomicTerms(one.charges)
        if one.higher is not None:
            whose = off_centre if isinstance(one.higher, OffCentreCharges) else multipoles
            whose.terms[row] = moved(one.higher, one.positions, molecule.positions)
    missing = [key for row, key in enumerate(reference.ids) if row not in charges.terms]
    if missing:
        shown = ", ".join(missing[:5]) + (" and more" if len(missing) > 5 else "")
        charges.remarks.append(f"{len(missing)} structures are missing: {shown}")
    return [charges, *(more for more in (multipoles, off_centre) if more.terms)]


def _by_geometry(one: ChargedStructure, reference: MoleculeTable) -> int | None:
    if one.positions is None or one.atomic_numbers is None:
        return None
    rows = [row for row in range(len(reference)) if not _difference(one, reference.molecule(row))]
    return rows[0] if len(rows) == 1 else None


def _difference(one: ChargedStructure, molecule: Molecule) -> str:
    """Return in what a structure differs from a molecule, nothing where it is the same."""
    if len(one.charges) != len(molecule):
        return f"it has {len(one.charges)} atoms, {molecule.id} has {len(molecule)}"
    if one.atomic_numbers is not None and np.any(one.atomic_numbers != molecule.atomic_numbers):
        return f"its elements are not those of {molecule.id}, in the same order"
    if one.positions is None or len(molecule) == 1:
        return ""
    largest = np.abs(pdist(one.positions) - pdist(molecule.positions)).max() * BOHR_IN_ANGSTROM
    if largest > TOLERANCE_ANGSTROM:
        return f"its geometry differs from {molecule.id}'s by up to {largest:.2f} Å in a distance"
    return ""

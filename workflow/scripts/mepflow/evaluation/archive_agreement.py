"""Differences between our reference calculations and the archive: ours minus the archive's.

At the archive's own level of theory the differences are those of two programs (integration grids,
density fitting, convergence); at another one they are the effect of the level.
"""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from mepflow.evaluation.differences import Quantity
from mepflow.fields import FIELDS
from mepflow.molecules import MoleculeTable
from mepflow.storage.csv_file import write_csv

FloatArray = npt.NDArray[np.float64]

AGREEMENT_QUANTITIES: Final = (
    Quantity("energy_difference_hartree", "energy", "hartree"),
    Quantity("dipole_difference_e_bohr", "dipole, largest component", "e·bohr"),
    Quantity("dipole_length_difference_e_bohr", "length of the dipole", "e·bohr"),
    Quantity("quadrupole_difference_e_bohr2", "quadrupole Θ′, largest component", "e·bohr²"),
    Quantity("mulliken_difference_e", "Mulliken charges, largest of the atoms", "e"),
)
"""What is compared, as far as the archive has it."""
_ARCHIVE_FIELDS: Final = {
    "energy_difference_hartree": "archive_energy",
    "dipole_difference_e_bohr": "archive_dipole",
    "dipole_length_difference_e_bohr": "archive_dipole_norm",
    "quadrupole_difference_e_bohr2": "archive_quadrupole",
    "mulliken_difference_e": "archive_mulliken_charges",
}
"""The archive's field of each column; ours is called the same without ``archive_``."""


def compare_with_archive(computed: Path, output: Path) -> pd.DataFrame:
    """Write and return :func:`reference_differences` of a table of computed molecules, as CSV."""
    frame = reference_differences(MoleculeTable.load(computed))
    write_csv(frame, output)
    return frame


def reference_differences(computed: MoleculeTable) -> pd.DataFrame:
    """Return, per molecule, our values minus the archive's: the columns of the quantities.

    Energies and lengths are signed; of a dipole vector, a quadrupole and the Mulliken charges it is
    the largest absolute component. A quantity that the archive lacks has no column, one molecule's
    missing value is nan. Lengths of the dipole are compared only where the archive has no vectors.
    """
    has_vectors = "archive_dipole" in computed.properties
    columns = {
        column: _largest(computed, archive, _ours(computed, archive) - values)
        for column, archive in _ARCHIVE_FIELDS.items()
        if (values := computed.properties.get(archive)) is not None
        and not (has_vectors and archive == "archive_dipole_norm")
    }
    return pd.DataFrame({"id": computed.ids, **columns})


def _ours(computed: MoleculeTable, archive: str) -> FloatArray:
    if archive == "archive_dipole_norm":
        return np.asarray(np.linalg.norm(computed.properties["dipole"], axis=1))
    return computed.properties[archive.removeprefix("archive_")]


def _largest(table: MoleculeTable, archive: str, difference: FloatArray) -> FloatArray:
    """Return a number per molecule (M,): a signed scalar, or the largest absolute component."""
    field = FIELDS[archive]
    if field.per == "molecule" and not field.shape:
        return difference
    sizes = np.abs(difference).reshape(len(difference), -1).max(axis=1)
    if field.per == "molecule":
        return np.asarray(sizes)
    return np.asarray(np.maximum.reduceat(sizes, table.atom_offsets[:-1]))

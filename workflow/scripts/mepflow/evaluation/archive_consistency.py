"""Consistency of an archive's labels: its MBIS multipoles against its molecular ones.

The partition is exact up to the integration grid: the atomic multipoles must add up to the total
charge, the dipole and the quadrupole of the same density. A larger difference tells a wrong unit,
sign, frame or order of atoms in the archive, or in how we read it.
"""

import logging
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from mepflow.evaluation.differences import Quantity
from mepflow.evaluation.mbis_baselines import MBIS_FIELDS
from mepflow.fields import FIELDS
from mepflow.molecules import MoleculeTable
from mepflow.multipoles import centre_of_nuclear_charge, dipole_terms, quadrupole_terms
from mepflow.storage.csv_file import write_csv

FloatArray = npt.NDArray[np.float64]

_SECOND_MOMENT_TOLERANCE: Final = 3e-3
"""What a component of the raw second moment Q may be off by, in e·bohr²."""

LABEL_QUANTITIES: Final = (
    Quantity("charge_difference_e", "total charge", "e", 1e-3),
    Quantity("dipole_difference_e_bohr", "dipole, largest component", "e·bohr", 1e-3),
    # The diagonal of Θ′ = 3 Q − tr(Q) 1 is 2 Qxx − Qyy − Qzz: errors of Q come in four times.
    Quantity(
        "quadrupole_difference_e_bohr2",
        "quadrupole Θ′, largest component",
        "e·bohr²",
        4.0 * _SECOND_MOMENT_TOLERANCE,
    ),
)
"""What is compared, with tolerances that SPICE's own multipoles keep."""

logger = logging.getLogger(__name__)


def check_labels(archive_table: Path, output: Path) -> pd.DataFrame:
    """Write and return :func:`label_differences` of an archive's table of molecules, as CSV."""
    frame = label_differences(MoleculeTable.load(archive_table))
    write_csv(frame, output)
    unchecked = frame[frame["quadrupole_difference_e_bohr2"].isna()]
    if len(unchecked):
        logger.warning(
            "%s: %d of %d molecules lack multipoles that the check needs, the first is %s",
            archive_table,
            len(unchecked),
            len(frame),
            unchecked["id"].iloc[0],
        )
    return frame


def label_differences(table: MoleculeTable) -> pd.DataFrame:
    """Return, per molecule, what the MBIS multipoles add up to minus what the archive says.

    Columns: id, the signed difference of the total charge, and the largest absolute components of
    the differences of dipole and Θ′, both about the centre of nuclear charge; nan where the archive
    lacks what is needed.
    """
    charges, dipoles, quadrupoles = (_column(table, name) for name in MBIS_FIELDS)
    relative = _about_centres(table)
    starts = table.atom_offsets[:-1]
    dipole, quadrupole = (
        np.add.reduceat(terms, starts, axis=0)
        for terms in (
            dipole_terms(charges, relative, dipoles),
            quadrupole_terms(charges, relative, dipoles) + quadrupoles,
        )
    )
    values = (
        np.add.reduceat(charges, starts) - table.total_charge,
        np.abs(dipole - _column(table, "archive_dipole")).max(axis=1),
        np.abs(quadrupole - _column(table, "archive_quadrupole")).max(axis=(1, 2)),
    )
    columns = (quantity.column for quantity in LABEL_QUANTITIES)
    return pd.DataFrame({"id": table.ids, **dict(zip(columns, values, strict=True))})


def _column(table: MoleculeTable, name: str) -> FloatArray:
    """Return a column of the table, of nan where the table has none."""
    if name in table.properties:
        return table.properties[name]
    rows = len(table) if FIELDS[name].per == "molecule" else len(table.positions)
    return np.full((rows, *FIELDS[name].shape), np.nan)


def _about_centres(table: MoleculeTable) -> FloatArray:
    """Return all positions (N, 3) in bohr relative to their molecule's origin."""
    relative = table.positions.copy()
    for index in range(len(table)):
        atoms = table.atoms(index)
        relative[atoms] -= centre_of_nuclear_charge(table.atomic_numbers[atoms], relative[atoms])
    return relative

"""Whether a level of theory is an archive's own: our values beside the archive's."""

import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from mepflow import units
from mepflow.archives.qm9_table import read_archive
from mepflow.molecules import MoleculeTable
from mepflow.qm.levels import LevelOfTheory
from mepflow.qm.reference import reference_record

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tolerance:
    """Largest differences at which two energies and two dipole lengths count as equal."""

    energy_hartree: float
    dipole_debye: float


EXACT: Final = Tolerance(5e-6, 1e-3)
"""For exact integrals: the archive prints six decimals of each of two energies."""
FITTED: Final = Tolerance(2e-5, 1e-3)
"""For density fitting, whose own error of the energy is some 1e-5 hartree."""


def tolerance_of(level: LevelOfTheory) -> Tolerance:
    """Return the tolerance that suits a level of theory."""
    return EXACT if level.density_fitting is None else FITTED


def compare_with_archive(
    table: MoleculeTable, level: LevelOfTheory, threads: int = 1
) -> pd.DataFrame:
    """Return the differences, ours minus the archive's, of every molecule of an archive's table.

    Columns: id, atoms, energy_hartree, dipole_debye (of the lengths), homo_hartree, lumo_hartree,
    spatial_extent_bohr2, mulliken_e (the largest of the atoms), failure.
    """
    rows = []
    for index in range(len(table)):
        molecule = table.molecule(index)
        ours = reference_record(molecule, level, {}, threads)
        archive = {name: table.property_of(name, index) for name in table.properties}
        length = np.linalg.norm(ours["dipole"])
        charges = ours["mulliken_charges"] - archive["archive_mulliken_charges"]
        rows.append(
            {
                "id": molecule.id,
                "atoms": len(molecule),
                "energy_hartree": float(ours["energy"] - archive["archive_energy"]),
                "dipole_debye": float(length - archive["archive_dipole_norm"])
                * units.E_BOHR_IN_DEBYE,
                "homo_hartree": float(ours["homo"] - archive["archive_homo"]),
                "lumo_hartree": float(ours["lumo"] - archive["archive_lumo"]),
                "spatial_extent_bohr2": float(
                    ours["electronic_spatial_extent"] - archive["archive_spatial_extent"]
                ),
                "mulliken_e": float(np.abs(charges).max()),
                "failure": str(ours["failure"]),
            }
        )
        log.info(
            "%s: %.2e hartree, %.2e debye",
            molecule.id,
            rows[-1]["energy_hartree"],
            rows[-1]["dipole_debye"],
        )
    return pd.DataFrame(rows)


def agrees(differences: pd.DataFrame, tolerance: Tolerance) -> bool:
    """Return whether every molecule was computed and lies within the tolerance."""
    energies = differences["energy_hartree"].abs() <= tolerance.energy_hartree
    dipoles = differences["dipole_debye"].abs() <= tolerance.dipole_debye
    return bool((energies & dipoles).all())


def check_level(archive: Path, level: LevelOfTheory, threads: int = 1) -> tuple[pd.DataFrame, bool]:
    """Read a raw archive and return :func:`compare_with_archive` and :func:`agrees` of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "archive.h5"
        read_archive(archive, path, Path(folder) / "unreadable.csv")
        table = MoleculeTable.load(path)
    differences = compare_with_archive(table, level, threads)
    return differences, agrees(differences, tolerance_of(level))

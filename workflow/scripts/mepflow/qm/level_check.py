"""Whether a level of theory is an archive's own: our values beside the archive's."""

import logging
import tempfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from mepflow import units
from mepflow.errors import InputError
from mepflow.molecules import MoleculeTable
from mepflow.qm.levels import LevelOfTheory
from mepflow.qm.reference_record import Record, reference_record

log = logging.getLogger(__name__)

FloatArray = npt.NDArray[np.float64]
Tolerance = Mapping[str, float]
"""Largest differences at which columns of :func:`compare_with_archive` count as equal."""

QM9_EXACT: Final[Tolerance] = {"energy_hartree": 1e-5, "dipole_length_debye": 1e-3}
"""For exact integrals: the noise of the integration grid in QM9's own energies."""
QM9_FITTED: Final[Tolerance] = {"energy_hartree": 2e-5, "dipole_length_debye": 1e-3}
"""For density fitting, whose own error of the energy is some 1e-5 hartree."""
SPICE: Final[Tolerance] = {
    "energy_hartree_per_atom": 2e-5,
    "dipole_e_bohr": 1e-3,
    "quadrupole_e_bohr2": 1e-2,
}
"""Psi4 fits the density too and integrates on a grid of its own."""
_HDF5: Final = (".h5", ".hdf5")


def tolerance_of(level: LevelOfTheory, table: MoleculeTable) -> Tolerance:
    """Return the tolerance that suits a level of theory and the archive of a table."""
    if "archive_dipole" in table.properties:
        return SPICE
    return QM9_EXACT if level.density_fitting is None else QM9_FITTED


def _signed(ours: Any, archive: Any) -> float:
    return float(ours - archive)


def _largest(ours: Any, archive: Any) -> float:
    return float(np.abs(ours - archive).max())


def _length_in_debye(ours: Any, archive: Any) -> float:
    return float(np.linalg.norm(ours) - archive) * units.E_BOHR_IN_DEBYE


# Column: the archive's field, ours, and their difference.
_COLUMNS: Final[dict[str, tuple[str, str, Callable[[Any, Any], float]]]] = {
    "energy_hartree": ("archive_energy", "energy", _signed),
    "dipole_length_debye": ("archive_dipole_norm", "dipole", _length_in_debye),
    "dipole_e_bohr": ("archive_dipole", "dipole", _largest),
    "quadrupole_e_bohr2": ("archive_quadrupole", "quadrupole", _largest),
    "homo_hartree": ("archive_homo", "homo", _signed),
    "lumo_hartree": ("archive_lumo", "lumo", _signed),
    "spatial_extent_bohr2": ("archive_spatial_extent", "electronic_spatial_extent", _signed),
    "mulliken_e": ("archive_mulliken_charges", "mulliken_charges", _largest),
}


def compare_with_archive(
    table: MoleculeTable, level: LevelOfTheory, threads: int = 1
) -> pd.DataFrame:
    """Return the differences, ours minus the archive's, of every molecule of an archive's table.

    Columns: id, atoms; energy_hartree and energy_hartree_per_atom; of QM9 dipole_length_debye,
    homo_hartree, lumo_hartree, spatial_extent_bohr2 and mulliken_e (the largest of the atoms); of
    SPICE dipole_e_bohr and quadrupole_e_bohr2 (Θ′), both the largest of the components; and
    failure. A quantity that the archive lacks has no column.
    """
    rows = []
    for index in range(len(table)):
        molecule = table.molecule(index)
        ours = reference_record(molecule, level, {}, threads)
        archive = {name: table.property_of(name, index) for name in table.properties}
        differences = _differences(ours, archive)
        per_atom = differences["energy_hartree"] / len(molecule)
        rows.append(
            {"id": molecule.id, "atoms": len(molecule)}
            | differences
            | {"energy_hartree_per_atom": per_atom, "failure": str(ours["failure"])}
        )
        shown = ", ".join(f"{column} {value:.1e}" for column, value in differences.items())
        log.info("%s: %s, %.0f s", molecule.id, shown, ours["wall_time"])
    return pd.DataFrame(rows)


def _differences(ours: Record, archive: Mapping[str, FloatArray]) -> dict[str, float]:
    return {
        column: difference(ours[name], archive[archive_name])
        for column, (archive_name, name, difference) in _COLUMNS.items()
        if archive_name in archive
    }


def agrees(differences: pd.DataFrame, tolerance: Tolerance) -> bool:
    """Return whether every molecule was computed and lies within the tolerance."""
    found = differences[list(tolerance)].abs()
    return bool((found <= pd.Series(tolerance)).to_numpy().all())


def check_level(
    archive: Path,
    level: LevelOfTheory,
    threads: int = 1,
    molecules: Collection[str] = (),
    conformers: Literal["lowest", "all"] | int = "lowest",
) -> tuple[pd.DataFrame, bool]:
    """Read a raw archive and return :func:`compare_with_archive` and :func:`agrees` of it.

    ``molecules`` restricts it to records (QM9: ids, SPICE: groups) of these names, none to all of
    them; ``conformers`` says which of a group are taken. Raises :class:`InputError` for a name that
    the archive does not hold.
    """
    table = _read(archive, conformers)
    if molecules:
        table = _select(table, molecules, archive)
    differences = compare_with_archive(table, level, threads)
    return differences, agrees(differences, tolerance_of(level, table))


def _read(archive: Path, conformers: Literal["lowest", "all"] | int) -> MoleculeTable:
    # Imported here: each reader brings libraries that the other one does not need.
    from mepflow.archives import qm9_table, spice_table

    with tempfile.TemporaryDirectory() as folder:
        path, rejected = Path(folder) / "archive.h5", Path(folder) / "rejected.csv"
        if archive.suffix in _HDF5:
            spice_table.read_archive(archive, path, rejected, None, conformers)
        else:
            qm9_table.read_archive(archive, path, rejected)
        return MoleculeTable.load(path)


def _select(table: MoleculeTable, names: Collection[str], archive: Path) -> MoleculeTable:
    """Return the rows of these groups, or with these ids."""
    groups = table.texts.get("archive_group", table.ids)
    known = set(groups) | set(table.ids)
    if missing := sorted(set(names) - known):
        raise InputError(f"{archive} holds no molecule {', '.join(missing)} that can be read.")
    keys = zip(groups, table.ids, strict=True)
    wanted = [row for row, key in enumerate(keys) if not set(key).isdisjoint(names)]
    return table.select(wanted)

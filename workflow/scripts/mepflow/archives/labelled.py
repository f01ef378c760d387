"""A reference that mepflow has written, read as an archive: its results become ``archive_*``.

The multipoles are about the centre of nuclear charge, as in every table of ours. A row that is not
usable is rejected by name with the reason.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from mepflow.archives.rejected_records import (
    LARGEST_CHARGE,
    LARGEST_NUMBER,
    RecordError,
    Rejected,
    check_geometry,
)
from mepflow.molecules import MoleculeTable
from mepflow.multipoles import centre_of_nuclear_charge
from mepflow.units import BOHR_IN_ANGSTROM

FloatArray = npt.NDArray[np.float64]

COLUMN_OF_RESULT: Final = {
    "energy": "archive_energy",
    "dipole": "archive_dipole",
    "quadrupole": "archive_quadrupole",
    "homo": "archive_homo",
    "lumo": "archive_lumo",
    "electronic_spatial_extent": "archive_spatial_extent",
    "mulliken_charges": "archive_mulliken_charges",
}
"""Results of a reference calculation, and what they are called once they are an archive's."""
COLUMN_OF_LABEL: Final = {
    "dipole": "archive_dipole",
    "dipole_norm": "archive_dipole_norm",
    "quadrupole": "archive_quadrupole",
    "energy": "archive_energy",
    "forces": "archive_gradient",
    "mulliken_charges": "archive_mulliken_charges",
    "mbis_charges": "archive_mbis_charges",
}
"""Column of each label but the potential; forces are the negative of theirs."""
_LAST_ELEMENT: Final = 118
_LONGEST_ID: Final = 200
_ORIGIN_TOLERANCE_BOHR: Final = 1e-6
_FAILURE: Final = "failure"


def with_archive_columns(table: MoleculeTable) -> MoleculeTable:
    """Return a reference with its results under the names of an archive's columns besides.

    Where the reference itself took labels from an archive, its labels count, and not that archive's
    columns of the same meaning.
    """
    columns = {
        column: table.properties[name]
        for name, column in COLUMN_OF_RESULT.items()
        if name in table.properties
    }
    if "archive_dipole" in columns:
        columns["archive_dipole_norm"] = np.linalg.norm(columns["archive_dipole"], axis=1)
    return table.with_properties(**columns)


def as_archive(table: MoleculeTable, grids: Sequence[str]) -> MoleculeTable:
    """Return the archive's columns of usable rows, with these of the grids."""
    columns = {
        name: values for name, values in table.properties.items() if name.startswith("archive_")
    }
    columns.setdefault("archive_radical_electrons", unpaired_electrons(table))
    return replace(
        table,
        properties=columns,
        texts={name: column for name, column in table.texts.items() if name != _FAILURE},
        grids={name: table.grids[name] for name in grids},
    )


def unpaired_electrons(table: MoleculeTable) -> FloatArray:
    """Return, per molecule, 1 where the number of electrons is odd and else 0, shape (M,)."""
    protons = np.add.reduceat(table.atomic_numbers.astype(np.int64), table.atom_offsets[:-1])
    return np.asarray((protons - table.total_charge) % 2, dtype=float)


def usable_rows(table: MoleculeTable, labels: Sequence[str]) -> tuple[list[int], list[Rejected]]:
    """Return the rows of a reference that hold molecules with labels, and the others as rejected.

    ``labels`` are columns, such as ``archive_dipole``, of which a row must have one at least; a
    label that is not finite is a missing one.
    """
    seen: set[str] = set()
    kept: list[int] = []
    rejected: list[Rejected] = []
    for row, key in enumerate(table.ids):
        try:
            _check_row(table, row, seen)
            _check_labels(table, row, labels)
        except RecordError as error:
            rejected.append(Rejected(f"row {row + 1}", _printable(key), str(error)))
        else:
            kept.append(row)
            seen.add(key)
    return kept, rejected


def _check_row(table: MoleculeTable, row: int, seen: set[str]) -> None:
    molecule = table.molecule(row)
    if not molecule.id or molecule.id != _printable(molecule.id):
        raise RecordError("its id is empty, too long, or no printable text")
    if molecule.id in seen:
        raise RecordError(f"the id {molecule.id} is also that of a row before it")
    if not len(molecule):
        raise RecordError("it has no atoms")
    elements = molecule.atomic_numbers
    if not 1 <= elements.min() <= elements.max() <= _LAST_ELEMENT:
        raise RecordError("it has an atomic number that is no element's")
    if abs(molecule.total_charge) > LARGEST_CHARGE:
        raise RecordError(f"its total charge is {molecule.total_charge} e")
    check_geometry(molecule.positions * BOHR_IN_ANGSTROM)
    _check_calculation(table, row)


def _check_calculation(table: MoleculeTable, row: int) -> None:
    """Raise where the file itself says that the labels of a row mean nothing."""
    converged = table.properties.get("scf_converged")
    if converged is not None and converged[row] == 0:
        failures = table.texts.get(_FAILURE)
        reason = _printable(failures[row]) if failures else ""
        raise RecordError(f"its calculation failed{f': {reason}' if reason else ''}")
    if "origin" in table.properties:
        molecule = table.molecule(row)
        centre = centre_of_nuclear_charge(molecule.atomic_numbers, molecule.positions)
        off = np.abs(table.properties["origin"][row] - centre).max()
        if off > _ORIGIN_TOLERANCE_BOHR:
            raise RecordError(f"its multipoles are {off:.2g} bohr off the centre of nuclear charge")


def _check_labels(table: MoleculeTable, row: int, labels: Sequence[str]) -> None:
    values = [table.property_of(name, row) for name in labels]
    if any((np.abs(value[np.isfinite(value)]) > LARGEST_NUMBER).any() for value in values):
        raise RecordError("a label of it is not plausible")
    if labels and not any(np.isfinite(value).all() for value in values):
        raise RecordError(f"it has none of {', '.join(labels)}")


def _printable(text: str) -> str:
    """Return a text that any file or terminal can take."""
    is_fine = text.isprintable() and len(text) <= _LONGEST_ID
    return text if is_fine else ascii(text)[1:-1][:_LONGEST_ID]

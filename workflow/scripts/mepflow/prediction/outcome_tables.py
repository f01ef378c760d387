"""What is written of each molecule: its rows in the tables, its frame, and its own files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mepflow.errors import InputError
from mepflow.multipoles import DIPOLE_COMPONENTS, QUADRUPOLE_COMPONENTS
from mepflow.prediction.batch_folder import BatchFolder
from mepflow.prediction.csv_tables import (
    Row,
    Surroundings,
    atom_columns,
    csv_text,
    molecule_columns,
    molecule_row,
)
from mepflow.prediction.geometry_files import extxyz_text
from mepflow.prediction.molecule_files import MoleculeFiles
from mepflow.prediction.prediction_json import json_line
from mepflow.prediction.result import Prediction
from mepflow.prediction.structures import Failure, Structure

if TYPE_CHECKING:
    from mepflow.qm.levels import LevelOfTheory

MOLECULES: Final = "multipoles.csv"
ATOMS: Final = "atoms.csv"
REFERENCES: Final = "reference.csv"
GEOMETRIES: Final = "molecules.extxyz"
JSON_LINES: Final = "molecules.jsonl"
"""Molecules on their way into a JSON document."""
REFERENCE_COLUMNS: Final = (
    *("name", "level", "failure", "n_points"),
    *("mep_rmse_kcal_per_mol_e", "mep_mae_kcal_per_mol_e", "mep_relative_rmse"),
    *("dipole_error_norm_debye", "theta_prime_rmse_e_bohr2"),
    *(f"reference_dipole_{axis}_e_bohr" for axis in DIPOLE_COMPONENTS),
    "reference_dipole_norm_debye",
    *(f"reference_theta_prime_{pair}_e_bohr2" for pair in QUADRUPOLE_COMPONENTS),
    "wall_time_s",
)


@dataclass
class OutcomeTables:
    """Writer of the tables of a call.

    ``grid`` is the row of ``grids`` on whose points the MEP is summarized; ``level`` is that of the
    reference calculations, if there are any. ``first_failure`` is the reason of the first molecule
    that could not be predicted.
    """

    files: MoleculeFiles
    grid: Mapping[str, Any]
    level: "LevelOfTheory | None" = None
    threads: int = 1
    moments_only: bool = False
    with_json: bool = False
    first_failure: str = ""

    @property
    def published(self) -> list[str]:
        """Return the names of the tables that a finished call leaves."""
        references = [] if self.level is None else [REFERENCES]
        return [MOLECULES, ATOMS, *references, GEOMETRIES]

    def add(self, place: BatchFolder, structure: Structure, prediction: Prediction) -> None:
        """Write a molecule's rows and files; one that cannot be written is a failure."""
        try:
            around = None if self.moments_only else Surroundings.of(prediction, self.grid)
            row = molecule_row(structure, prediction, around)
            files = self.files.write(place.place, prediction)
        except InputError as error:
            failure = Failure(prediction.molecule.id, structure.place, str(error))
            self.add_failure(place, failure)
            return
        self._write_row(place, row)
        with_charges = not self.moments_only
        atoms = atom_columns(prediction, with_charges=with_charges)
        rows = zip(*atoms.values(), strict=True)
        place.append(ATOMS, csv_text(rows), csv_text([list(atoms)]))
        frame = extxyz_text([prediction], [structure.info], with_charges=with_charges)
        place.append(GEOMETRIES, frame)
        self._write_json(place, row | {"warnings": list(prediction.warnings)}, atoms)
        if self.level is not None:
            reference = self._reference(structure, prediction, self.level)
            _append(place, REFERENCES, REFERENCE_COLUMNS, reference)
        name, is_periodic = prediction.molecule.id, structure.is_periodic
        place.note(name, files, predicted=True, periodic=is_periodic)

    def add_failure(self, place: BatchFolder, failure: Failure) -> None:
        """Write the row of a molecule that cannot be predicted."""
        self.first_failure = self.first_failure or failure.reason
        row = {"name": failure.name, "source": failure.place, "failure": failure.reason}
        self._write_row(place, row)
        self._write_json(place, row)
        place.note(failure.name, [], predicted=False)

    def _write_row(self, place: BatchFolder, row: Row) -> None:
        _append(place, MOLECULES, molecule_columns(with_mep=not self.moments_only), row)

    def _write_json(
        self, place: BatchFolder, row: Row, atoms: Mapping[str, list[Any]] | None = None
    ) -> None:
        if self.with_json:
            separator = ",\n" if place.has(JSON_LINES) else ""
            place.append(JSON_LINES, separator + json_line(row, atoms))

    def _reference(
        self, structure: Structure, prediction: Prediction, level: "LevelOfTheory"
    ) -> Row:
        # Imported here: only a reference needs PySCF, which may not be installed.
        from mepflow.prediction.reference_comparison import announce_long, reference_row

        if structure.multiplicity not in (None, 1):
            reason = (
                f"the input states a multiplicity of {structure.multiplicity}, and references are "
                "closed-shell singlets"
            )
            return {"name": prediction.molecule.id, "level": level.name, "failure": reason}
        announce_long(prediction.molecule)
        return reference_row(prediction, level, self.grid, self.threads)


def _append(place: BatchFolder, table: str, columns: Sequence[str], row: Row) -> None:
    place.append(table, csv_text([[row.get(name) for name in columns]]), csv_text([columns]))

"""What is written of each molecule: its rows in the tables, its frame, and its own files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mepflow.errors import InputError
from mepflow.evaluation.calibration import Calibration
from mepflow.multipoles import DIPOLE_COMPONENTS, QUADRUPOLE_COMPONENTS
from mepflow.prediction.batch_folder import BatchFolder
from mepflow.prediction.charge_files import FORMATS
from mepflow.prediction.conformer_tables import (
    ATOMS,
    AVERAGES,
    CONFORMERS,
    conformer_columns,
)
from mepflow.prediction.csv_tables import (
    Columns,
    Row,
    Surroundings,
    all_warnings,
    atom_columns,
    csv_text,
    molecule_columns,
    molecule_rows,
)
from mepflow.prediction.geometry_files import extxyz_text
from mepflow.prediction.molecule_files import MoleculeFiles
from mepflow.prediction.prediction_json import json_line
from mepflow.prediction.result import Prediction
from mepflow.prediction.structures import Failure, Structure

if TYPE_CHECKING:
    from mepflow.prediction.surface_tables import MappedSurface
    from mepflow.qm.levels import LevelOfTheory

MOLECULES: Final = "multipoles.csv"
REFERENCES: Final = "reference.csv"
GEOMETRIES: Final = "molecules.extxyz"
SURFACE_TABLES: Final = ("surface.csv", "surface_extrema.csv")
"""Tables of surfaces, statistics and extrema, by their names in ``surface_tables``."""
OF_REFERENCE: Final = "reference_"
"""Beginning of the names of the same tables of the reference calculations."""
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


@dataclass(frozen=True)
class _Written:
    """A predicted molecule whose own ``files`` are written."""

    structure: Structure
    prediction: Prediction
    around: Surroundings | None
    files: list[str]
    surface: "MappedSurface | None" = None


@dataclass
class OutcomeTables:
    """Writer of the tables of a call.

    ``grid`` is the row of ``grids`` on whose points the MEP is summarized; ``level`` is that of the
    reference calculations, if there are any; ``calibrations`` are those of the models, ``formats``
    those of :data:`~mepflow.prediction.charge_files.FORMATS` that molecules are written in, too.
    ``first_failure`` is the reason of the first molecule that could not be predicted.
    """

    files: MoleculeFiles
    grid: Mapping[str, Any]
    level: "LevelOfTheory | None" = None
    threads: int = 1
    moments_only: bool = False
    with_json: bool = False
    formats: Sequence[str] = ()
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    first_failure: str = ""
    with_conformers: bool = False

    @property
    def published(self) -> list[str]:
        """Return the names of the tables that a finished call leaves."""
        references = [] if self.level is None else [REFERENCES]
        surfaces = list(SURFACE_TABLES) if self.files.surfaces else []
        if surfaces and references:
            surfaces += [f"{OF_REFERENCE}{name}" for name in SURFACE_TABLES]
        charges = [FORMATS[name].file for name in self.formats]
        averages = [] if self.moments_only else [AVERAGES]
        conformers = [CONFORMERS, *averages] if self.with_conformers else []
        return [MOLECULES, ATOMS, *conformers, *references, GEOMETRIES, *charges, *surfaces]

    def add(
        self,
        place: BatchFolder,
        items: Sequence[Structure | Failure],
        predictions: Iterator[Prediction],
    ) -> None:
        """Write the rows and files of molecules, those of one that cannot be written as a failure.

        ``predictions`` are those of the structures among the ``items``.
        """
        outcomes = [self._outcome(place, item, predictions) for item in items]
        done = [outcome for outcome in outcomes if isinstance(outcome, _Written)]
        written = [outcome.prediction for outcome in done]
        rows = iter(molecule_rows(
            [outcome.structure for outcome in done], written, [one.around for one in done]
        ))  # fmt: skip
        all_rows = [
            next(rows) if isinstance(outcome, _Written) else _row_of(outcome)
            for outcome in outcomes
        ]
        names = molecule_columns(
            with_mep=not self.moments_only, with_errors=bool(self.calibrations)
        )
        cells = [[row.get(name) for row in all_rows] for name in names]
        place.append(MOLECULES, csv_text(cells), csv_text([[name] for name in names]))
        atoms = self._write_atoms(place, done) if done else {}
        self._write_json(place, outcomes, all_rows, atoms)
        for outcome in outcomes:
            self._finish(place, outcome)

    def _outcome(
        self, place: BatchFolder, item: Structure | Failure, predictions: Iterator[Prediction]
    ) -> "_Written | Failure":
        """Write a molecule's own files."""
        if isinstance(item, Failure):
            return item
        prediction = next(predictions)
        try:
            around = None if self.moments_only else Surroundings.of(prediction, self.grid)
            files = self.files.write(place.place, prediction)
            return _Written(
                item, prediction, around, files, self._surface(place, prediction, files)
            )
        except InputError as error:
            return Failure(prediction.molecule.id, item.place, str(error))

    def _surface(
        self, place: BatchFolder, prediction: Prediction, files: list[str]
    ) -> "MappedSurface | None":
        """Map the surface, if it is wanted; with few molecules, write its mesh among ``files``."""
        if not self.files.surfaces:
            return None
        # Imported here: only surfaces need matplotlib's colours and scikit-image.
        from mepflow.prediction.surface_tables import MappedSurface

        found = MappedSurface.of(prediction, self.files.widths)
        if self.files.meshes:
            name = f"{prediction.molecule.id}-surface.ply"
            found.write_mesh(place.place / name)
            files.append(name)
        return found

    def _write_surfaces(
        self, place: BatchFolder, found: Sequence["MappedSurface"], begin: str = ""
    ) -> None:
        """Add rows to the tables of surfaces, whose names begin with ``begin``."""
        from mepflow.prediction.surface_tables import EXTREMA, EXTREMA_COLUMNS, SURFACES

        if not found:
            return
        rows = [surface.row() for surface in found]
        extrema = [row for surface in found for row in surface.extrema_rows()]
        for table, names, content in (
            (SURFACES, list(rows[0]), rows),
            (EXTREMA, list(EXTREMA_COLUMNS), extrema),
        ):
            cells = [[row[name] for row in content] for name in names]
            place.append(begin + table, csv_text(cells), csv_text([[name] for name in names]))

    def _write_atoms(self, place: BatchFolder, done: Sequence["_Written"]) -> Columns:
        """Write what is a row per atom, and return its columns."""
        with_charges = not self.moments_only
        predictions = [outcome.prediction for outcome in done]
        atoms = atom_columns(predictions, with_charges=with_charges)
        place.append(ATOMS, csv_text(atoms.values()), csv_text([[name] for name in atoms]))
        said = [outcome.structure.info for outcome in done]
        place.append(GEOMETRIES, extxyz_text(predictions, said, with_charges=with_charges))
        if self.files.surfaces:
            found = [outcome.surface for outcome in done if outcome.surface is not None]
            self._write_surfaces(place, found)
        if self.with_conformers:
            columns = conformer_columns([outcome.structure for outcome in done])
            place.append(CONFORMERS, csv_text(columns.values()), csv_text([[n] for n in columns]))
        for name in self.formats:
            texts = [FORMATS[name].text(one.prediction, one.structure) for one in done]
            place.append(FORMATS[name].file, "".join(texts))
        return atoms

    def _write_json(
        self,
        place: BatchFolder,
        outcomes: Sequence["_Written | Failure"],
        rows: Sequence[Row],
        atoms: Columns,
    ) -> None:
        if not self.with_json:
            return
        end = 0
        for outcome, row in zip(outcomes, rows, strict=True):
            separator = ",\n" if place.has(JSON_LINES) else ""
            if isinstance(outcome, Failure):
                place.append(JSON_LINES, separator + json_line(row))
                continue
            start, end = end, end + len(outcome.prediction.molecule)
            own = {name: values[start:end] for name, values in atoms.items()}
            full = row | {"warnings": all_warnings(outcome.prediction, outcome.around)}
            place.append(JSON_LINES, separator + json_line(full, own))

    def _finish(self, place: BatchFolder, outcome: "_Written | Failure") -> None:
        """Compute a molecule's reference, and note that it is done."""
        if isinstance(outcome, Failure):
            self.first_failure = self.first_failure or outcome.reason
            place.note(outcome.name, [], predicted=False)
            return
        structure, prediction = outcome.structure, outcome.prediction
        if self.level is not None:
            mapped: list[MappedSurface] = []
            reference = self._reference(structure, prediction, self.level, mapped)
            self._write_surfaces(place, mapped, OF_REFERENCE)
            cells = [[reference.get(name)] for name in REFERENCE_COLUMNS]
            place.append(REFERENCES, csv_text(cells), csv_text([[n] for n in REFERENCE_COLUMNS]))
        name, is_periodic = prediction.molecule.id, structure.is_periodic
        place.note(name, outcome.files, predicted=True, periodic=is_periodic)

    def _reference(
        self,
        structure: Structure,
        prediction: Prediction,
        level: "LevelOfTheory",
        mapped: list["MappedSurface"],
    ) -> Row:
        """Return the row of a reference, whose surface is added to ``mapped``, if it is wanted."""
        # Imported here: only a reference needs PySCF, which may not be installed.
        from mepflow.prediction.reference_comparison import announce_long, reference_row

        if structure.multiplicity not in (None, 1):
            reason = (
                f"the input states a multiplicity of {structure.multiplicity}, and references are "
                "closed-shell singlets"
            )
            return {"name": prediction.molecule.id, "level": level.name, "failure": reason}
        announce_long(prediction.molecule)
        surfaces = mapped if self.files.surfaces else None
        return reference_row(prediction, level, self.grid, self.threads, surfaces)


def _row_of(failure: Failure) -> Row:
    return {"name": failure.name, "source": failure.place, "failure": failure.reason}

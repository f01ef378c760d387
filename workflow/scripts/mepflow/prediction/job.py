"""All files of one call of ``predict``: the work behind the command line."""

import hashlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mepflow.electrostatics.penetration import Widths
from mepflow.errors import InputError
from mepflow.prediction.batch_folder import BatchFolder, Finished
from mepflow.prediction.batch_key import batch_key
from mepflow.prediction.conformer_tables import write_averages
from mepflow.prediction.input_batch import InputBatch, Item
from mepflow.prediction.molecule_files import MoleculeFiles
from mepflow.prediction.molecule_names import MoleculeNames
from mepflow.prediction.outcome_tables import JSON_LINES, OutcomeTables
from mepflow.prediction.parquet_tables import write_parquet
from mepflow.prediction.points_table import read_points
from mepflow.prediction.prediction_json import write_document
from mepflow.prediction.predictor import ATOMS_AT_ONCE, Predictor
from mepflow.prediction.progress_display import Progress
from mepflow.prediction.structures import Failure, Structure, checked
from mepflow.storage.files import atomic_path
from mepflow.storage.yaml_file import read_row, read_yaml

if TYPE_CHECKING:
    from mepflow.qm.levels import LevelOfTheory

FEW_MOLECULES: Final = 20
"""Up to so many, each molecule has a PQR file, and a cube file unless told otherwise."""
GRID: Final = "mk"
"""Row of ``grids`` on whose points the MEP is summarized and compared."""
STANDARD_OUTPUT: Final = "-"


@dataclass(frozen=True)
class Job:
    """What to predict, with which models, and what to write into ``folder``.

    ``cubes`` and ``pqr`` None mean: for up to :data:`FEW_MOLECULES`. ``level`` names the level of
    theory of the reference calculations, if there are to be any; it and the grid are rows of
    ``definitions``. ``formats`` are those that the molecules are written in, too, ``parquet``
    adds the tables as Parquet; ``points`` is a
    file of points where potential and field are wanted in ``unit``. ``json`` is a file, or
    :data:`STANDARD_OUTPUT`. With ``moments_only`` there is neither a potential nor charges that
    stand alone.
    """

    predictor: Predictor
    batch: InputBatch
    folder: Path
    definitions: Path
    total_charge: int | None = None
    cubes: bool | None = None
    pqr: bool | None = None
    spacing_angstrom: float = 0.25
    margin_angstrom: float = 4.0
    pictures: bool = False
    level: str | None = None
    threads: int = 1
    moments_only: bool = False
    strict: bool = False
    json: str | None = None
    formats: tuple[str, ...] = ()
    parquet: bool = False
    surfaces: bool = False
    points: Path | None = None
    unit: str = "kcal/mol/e"

    @property
    def is_many(self) -> bool:
        """Tell whether there are too many molecules for a few files each."""
        return len(self.batch) > FEW_MOLECULES

    @cached_property
    def _files(self) -> MoleculeFiles:
        usual = not self.is_many and not self.moments_only
        return MoleculeFiles(
            usual if self.cubes is None else self.cubes,
            usual if self.pqr is None else self.pqr,
            self.pictures,
            self.spacing_angstrom,
            self.margin_angstrom,
            self._widths,
            self.surfaces,
            self.surfaces and not self.is_many,
            None if self.points is None else read_points(self.points),
            self.unit,
        )

    @cached_property
    def _widths(self) -> Widths | None:
        """The widths of valence shells that the models learned with, or else of their basis set."""
        if not self.predictor.ensemble.has_atomic_terms:
            return None  # a density has its own
        if (learned := self.predictor.ensemble.penetration) is not None:
            return learned
        sections = read_yaml(self.definitions).content
        level = self.predictor.ensemble.level_of_theory
        if level is None or level not in (sections.get("levels_of_theory") or ()):
            return None
        basis = read_row(self.definitions, "levels_of_theory", level)["basis"]
        if basis not in (sections.get("penetration") or ()):
            return None
        return read_row(self.definitions, "penetration", basis)

    def run(self) -> tuple[Finished, list[Path]]:
        """Predict and write all files, which appear in the folder together at the end.

        Returns what was done and the files. A molecule that cannot be predicted is a row with the
        reason. Files of an earlier call in the folder that this one does not write are removed.

        Raises :class:`InputError` where none can be predicted, or, if the job is ``strict``, one
        cannot; and :class:`~mepflow.errors.ConfigError` where the level of theory is impossible.
        """
        grid = read_row(self.definitions, "grids", GRID)
        level = self._level_of_theory()
        calibrations = self.predictor.ensemble.calibrations
        options = (
            self.threads, self.moments_only, self.json is not None, self.formats, calibrations
        )  # fmt: skip
        several = self.batch.conformers > 1
        tables = OutcomeTables(self._files, grid, level, *options, with_conformers=several)
        if self.strict:
            self._refuse_failures()
        with BatchFolder(self.folder, self._key(grid, level)) as place:
            _announce(place, len(self.batch))
            self._fill(place, tables)
            finished = place.finished
            if not finished.predicted:
                place.discard()
                raise InputError(_none_of(len(self.batch), tables.first_failure))
            self._write_json(place)
            if several and not self.moments_only:
                write_averages(place.place)
            more = write_parquet(place.place) if self.parquet else []
            return finished, place.publish([*tables.published, *more])

    def _level_of_theory(self) -> "LevelOfTheory | None":
        if self.level is None:
            return None
        # Imported here: only a reference needs PySCF, which may not be installed.
        from mepflow.qm.level_names import read_level

        return read_level(self.definitions, self.level)

    def _key(self, grid: Mapping[str, Any], level: "LevelOfTheory | None") -> str:
        return batch_key({
            "inputs": self.batch.digest,
            "total charge": self.total_charge,
            "models": self.predictor.ensemble.digest,
            "precision": self.predictor.ensemble.precision,
            "files": asdict(replace(self._files, points=None)),
            "points": None if self.points is None else hashlib.sha256(
                self.points.read_bytes()
            ).hexdigest(),
            "grid": grid,
            "level": None if level is None else asdict(level),
            "moments only": self.moments_only,
            "charges": self.predictor.charge_scheme,
            "formats": self.formats,
            "json": self.json is not None,
            "parquet": self.parquet,
        })  # fmt: skip

    def _fill(self, place: BatchFolder, tables: OutcomeTables) -> None:
        """Predict what is not finished yet."""
        done = place.finished.done
        with Progress(len(self.batch), done) as progress:
            for group in self._groups(done, MoleculeNames(place.finished.names)):
                structures = [item for item in group if isinstance(item, Structure)]
                tables.add(place, group, self.predictor.predict_all(structures))
                place.commit()
                progress.advance(len(group))

    def _groups(self, start: int, names: MoleculeNames) -> Iterator[list[Structure | Failure]]:
        """Yield what is read, as much as is predicted and written together."""
        most = 0 if self.level is not None or self._files.cubes else ATOMS_AT_ONCE
        group: list[Structure | Failure] = []
        n_atoms = 0
        for item in self.batch.items(start):
            found = self._read(item, names)
            size = 1 if isinstance(found, Failure) else len(found.molecule)
            if group and n_atoms + size > most:
                yield group
                group, n_atoms = [], 0
            group.append(found)
            n_atoms += size
        if group:
            yield group

    def _read(self, item: Item, names: MoleculeNames) -> Structure | Failure:
        try:
            record = item.entry.read()
        except InputError as error:
            return Failure(names.take(item.name), item.entry.place, str(error))
        name = names.take(record.title or item.name)
        try:
            structure = checked(record, name, self.total_charge)
            self.predictor.ensemble.refuse(structure)
            self._files.check(structure.molecule)
        except InputError as error:
            return Failure(name, record.place, str(error))
        return structure

    def _refuse_failures(self) -> None:
        names = MoleculeNames()
        for item in self.batch.items():
            found = self._read(item, names)
            if isinstance(found, Failure):
                raise InputError(found.reason)

    def _write_json(self, place: BatchFolder) -> None:
        if self.json is None:
            return
        lines, model = place.place / JSON_LINES, self.predictor.ensemble.name
        if self.json == STANDARD_OUTPUT:
            write_document(lines, model, sys.stdout)
            return
        with atomic_path(self.json) as temporary, temporary.open("w", encoding="utf-8") as file:
            write_document(lines, model, file)


def _announce(place: BatchFolder, total: int) -> None:
    if place.resumed:
        sys.stderr.write(f"Going on: {place.resumed:,} of {total:,} molecules were finished.\n")
    if place.is_anew:
        sys.stderr.write(
            "Beginning anew: the inputs, models, options or mepflow are not those of the "
            f"unfinished call in {place.folder}.\n"
        )


def _none_of(total: int, reason: str) -> str:
    if total == 1:
        return reason
    return f"None of {total} molecules can be predicted; the first: {reason}"

"""All files of one call of ``predict``: the work behind the command line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml
from tqdm import tqdm

from mepflow.prediction.csv_tables import Row, Surroundings, atom_rows, molecule_row, write_table
from mepflow.prediction.cube import CubeGrid, write_cube
from mepflow.prediction.folder_listing import replace_listing
from mepflow.prediction.geometry_files import write_extxyz, write_pqr
from mepflow.prediction.predictor import Predictor
from mepflow.prediction.result import Prediction
from mepflow.prediction.structures import Structure

if TYPE_CHECKING:
    from mepflow.qm.levels import LevelOfTheory

FEW_MOLECULES: Final = 20
"""Up to so many, each molecule has a PQR file, and a cube file unless told otherwise."""
GRID: Final = "mk"
"""Row of ``grids`` on whose points the MEP is summarized and compared."""


@dataclass
class Results:
    """The rows of the tables, and the files that were written, as they come."""

    molecules: list[Row] = field(default_factory=list)
    atoms: list[Row] = field(default_factory=list)
    references: list[Row] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)


@dataclass(frozen=True)
class Job:
    """What to predict, with which models, and what to write into ``folder``.

    ``cubes`` and ``pqr`` None mean: for up to :data:`FEW_MOLECULES`. ``level`` names the level of
    theory of the reference calculations, if there are to be any; it and the grid are rows of
    ``definitions``.
    """

    predictor: Predictor
    structures: Sequence[Structure]
    folder: Path
    definitions: Path
    cubes: bool | None = None
    pqr: bool | None = None
    spacing_angstrom: float = 0.25
    margin_angstrom: float = 4.0
    pictures: bool = False
    level: str | None = None
    threads: int = 1

    @property
    def writes_cubes(self) -> bool:
        """Tell whether each molecule gets a cube file."""
        return len(self.structures) <= FEW_MOLECULES if self.cubes is None else self.cubes

    @property
    def writes_pqr(self) -> bool:
        """Tell whether each molecule gets a PQR file."""
        return len(self.structures) <= FEW_MOLECULES if self.pqr is None else self.pqr

    def run(self) -> Results:
        """Predict and write all files; the tables come last, when every molecule has its own.

        Files of an earlier call in the folder that this one does not write are removed at the end.

        Raises :class:`~mepflow.errors.InputError` or :class:`~mepflow.errors.ConfigError` before
        anything is written where a molecule, a cube or the level of theory is impossible.
        """
        grid = yaml.safe_load(self.definitions.read_text())["grids"][GRID]
        level = self._level_of_theory()
        cubes = self._cube_grids()
        results, predictions = Results(), []
        steps = zip(self.structures, self.predictor.predict_all(self.structures), strict=True)
        for structure, prediction in tqdm(
            steps, total=len(self.structures), unit=" molecules", disable=None
        ):
            predictions.append(prediction)
            self._write_molecule(prediction, cubes.get(structure.molecule.id), results)
            around = Surroundings.of(prediction, grid)
            results.molecules.append(molecule_row(structure, prediction, around))
            results.atoms.extend(atom_rows(prediction))
            if level is not None:
                results.references.append(self._reference(structure, prediction, level, grid))
        self._write_tables(predictions, results)
        names = [structure.molecule.id for structure in self.structures]
        replace_listing(self.folder, names, results.files)
        return results

    def _level_of_theory(self) -> "LevelOfTheory | None":
        if self.level is None:
            return None
        # Imported here: only a reference needs PySCF, which may not be installed.
        from mepflow.prediction.reference_comparison import read_level

        return read_level(self.definitions, self.level)

    def _cube_grids(self) -> dict[str, CubeGrid]:
        if not self.writes_cubes:
            return {}
        molecules = [structure.molecule for structure in self.structures]
        sizes = (self.spacing_angstrom, self.margin_angstrom)
        return {molecule.id: CubeGrid.around(molecule, *sizes) for molecule in molecules}

    def _write_molecule(
        self, prediction: Prediction, cube: CubeGrid | None, results: Results
    ) -> None:
        name = prediction.molecule.id
        if self.writes_pqr:
            path = self.folder / f"{name}.pqr"
            write_pqr(path, prediction)
            results.files.append(path)
        if cube is not None:
            path = self.folder / f"{name}.cube"
            write_cube(path, prediction, cube)
            results.files.append(path)
        if self.pictures:
            path = self.folder / f"{name}.png"
            _draw(path, prediction)
            results.files.append(path)

    def _reference(
        self,
        structure: Structure,
        prediction: Prediction,
        level: "LevelOfTheory",
        grid: Mapping[str, Any],
    ) -> Row:
        from mepflow.prediction.reference_comparison import announce_long, reference_row

        if structure.multiplicity not in (None, 1):
            reason = (
                f"the input states a multiplicity of {structure.multiplicity}, and references are "
                "closed-shell singlets"
            )
            return {"name": prediction.molecule.id, "level": level.name, "failure": reason}
        announce_long(prediction.molecule)
        return reference_row(prediction, level, grid, self.threads)

    def _write_tables(self, predictions: Sequence[Prediction], results: Results) -> None:
        tables = {
            "multipoles.csv": results.molecules,
            "atoms.csv": results.atoms,
            "reference.csv": results.references,
        }
        for name, rows in tables.items():
            if rows:
                write_table(self.folder / name, rows)
                results.files.append(self.folder / name)
        geometries = self.folder / "molecules.extxyz"
        inputs = [structure.info for structure in self.structures]
        write_extxyz(geometries, predictions, inputs)
        results.files.append(geometries)


def _draw(path: Path, prediction: Prediction) -> None:
    """Draw the MEP on the van der Waals surface."""
    # Imported here: matplotlib takes a while that only a picture needs.
    from mepflow.geometry.surfaces import van_der_waals_surface
    from mepflow.plots.surface import plot_surface_map

    molecule = prediction.molecule
    surface = van_der_waals_surface(molecule.atomic_numbers, molecule.positions)
    values = prediction.potential(surface.vertices)
    plot_surface_map(molecule, surface, values, [path], title=molecule.id)

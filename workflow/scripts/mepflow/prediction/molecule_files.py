"""The files that belong to one molecule: charges, potential on a grid, picture."""

from dataclasses import dataclass
from pathlib import Path

from mepflow.electrostatics.penetration import Widths
from mepflow.molecules import Molecule
from mepflow.prediction.cube import CubeGrid, write_cube, write_values
from mepflow.prediction.geometry_files import write_pqr
from mepflow.prediction.points_table import FloatArray, write_points
from mepflow.prediction.result import Prediction
from mepflow.units import HARTREE_PER_E_IN_KCAL_PER_MOL_E


@dataclass(frozen=True)
class MoleculeFiles:
    """Which files each molecule gets, and how far a cube reaches, in ångström.

    Potentials hold penetration where ``widths`` in bohr have all elements. ``points`` (p, 3) in
    bohr are those where potential and field are wanted, in ``unit``
    (:data:`~mepflow.prediction.points_table.UNITS`); ``surfaces`` are mapped, and written as
    ``meshes``.
    """

    cubes: bool = False
    pqr: bool = False
    pictures: bool = False
    spacing_angstrom: float = 0.25
    margin_angstrom: float = 4.0
    widths: Widths | None = None
    surfaces: bool = False
    meshes: bool = False
    points: FloatArray | None = None
    unit: str = "kcal/mol/e"

    def check(self, molecule: Molecule) -> None:
        """Raise :class:`~mepflow.errors.InputError` where the molecule's cube is too large."""
        if self.cubes:
            self._grid(molecule)

    def write(self, folder: Path, prediction: Prediction) -> list[str]:
        """Write the files into ``folder`` and return their names."""
        name = prediction.molecule.id
        written = []
        if self.pqr:
            write_pqr(folder / f"{name}.pqr", prediction)
            written.append(f"{name}.pqr")
        if self.cubes:
            grid = self._grid(prediction.molecule)
            write_cube(folder / f"{name}.cube", prediction, grid, self.widths)
            written.append(f"{name}.cube")
            written += self._write_density(folder, prediction, grid)
        if self.points is not None:
            write_points(
                folder / f"{name}-points.csv", prediction, self.points, self.unit, self.widths
            )
            written.append(f"{name}-points.csv")
        if self.pictures:
            _draw(folder / f"{name}.png", prediction, self.widths)
            written.append(f"{name}.png")
        return written

    def _write_density(self, folder: Path, prediction: Prediction, grid: CubeGrid) -> list[str]:
        """Write the cube of an electron density, where that is what was predicted."""
        if prediction.has_atomic_terms:
            return []
        # Imported here: only models of the density need its functions.
        from mepflow.prediction.density_prediction import DensityPrediction

        assert isinstance(prediction, DensityPrediction)
        name = f"{prediction.molecule.id}-density.cube"
        about = ("Electron density", "e/bohr^3", "a sum of Gaussians about the atoms")
        write_values(folder / name, prediction.molecule, grid, about, prediction.density)
        return [name]

    def _grid(self, molecule: Molecule) -> CubeGrid:
        return CubeGrid.around(molecule, self.spacing_angstrom, self.margin_angstrom)


def _draw(path: Path, prediction: Prediction, widths: Widths | None) -> None:
    """Draw the MEP on the van der Waals surface, and the structure beside it."""
    # Imported here: matplotlib takes a while that only a picture needs.
    from mepflow.plots.surface import plot_surface_map
    from mepflow.prediction.surface_tables import MappedSurface

    found = MappedSurface.of(prediction, widths)
    values = found.values / HARTREE_PER_E_IN_KCAL_PER_MOL_E
    molecule = prediction.molecule
    plot_surface_map(molecule, found.surface, values, [path], title=molecule.id)

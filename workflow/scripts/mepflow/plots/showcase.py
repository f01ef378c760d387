"""Figure: the MEP of one molecule in a plane, reference beside variants beside differences."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Circle
from matplotlib.ticker import MaxNLocator

from mepflow.errors import InputError
from mepflow.evaluation.mep_errors import predicted_potential
from mepflow.evaluation.predictions_file import predictions_of
from mepflow.evaluation.sources import Source
from mepflow.geometry.planes import Plane, plane_values
from mepflow.geometry.radii import bondi_radii
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.plots.structure import draw_atoms, draw_structure
from mepflow.plots.style import (
    DIVERGING_MAP,
    GREY,
    drawing,
    middle_limit,
    picture_width,
    symmetric_limit,
)
from mepflow.units import BOHR_IN_ANGSTROM, HARTREE_PER_E_IN_KCAL_PER_MOL_E

FloatArray = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_COLUMNS_WITH_HYDROGENS: Final = 4
"""Smaller panels have no room for the hydrogen atoms' symbols; the structure shows them."""
_BARS_WIDTH: Final = 1.15
_TITLES_HEIGHT: Final = 1.15
_CELLS_BELOW_SURFACE: Final = 2.0
"""How deep in the atoms, in steps of the grid, points are drawn: the white spheres cover them."""


@dataclass(frozen=True)
class _Scene:
    """A molecule and the points of its plane that are drawn: all but those deep in the atoms.

    ``drawn`` (n · m,) marks them among the points of the plane; ``points`` (p, 3) are theirs in
    bohr, ``reference`` (p,) the MEP there in kcal/mol/e, and ``outside`` (p,) marks those outside
    every van der Waals sphere, which errors and colour scales are taken from.
    """

    molecule: Molecule
    plane: Plane
    drawn: Mask
    points: FloatArray
    reference: FloatArray
    outside: Mask

    def image(self, values: FloatArray) -> np.ma.MaskedArray:
        """Return values (p,) as an image (m, n), masked where nothing is drawn."""
        full = np.zeros(len(self.drawn))
        full[self.drawn] = values
        hidden = ~self.drawn.reshape(self.plane.shape)
        return np.ma.array(full.reshape(self.plane.shape).T, mask=hidden.T)

    def axes(self) -> tuple[FloatArray, FloatArray]:
        """Return the coordinates (n,) and (m,) of the points in Å, zero in the middle."""
        step = self.plane.spacing_bohr * BOHR_IN_ANGSTROM
        first, second = (
            np.asarray((np.arange(n) - 0.5 * (n - 1)) * step) for n in self.plane.shape
        )
        return first, second

    def atoms(self) -> FloatArray:
        """Return the atoms' (u, v, height) (n, 3) in Å, in the frame of :meth:`axes`."""
        middle = 0.5 * self.plane.spacing_bohr * (np.array([*self.plane.shape, 1]) - 1)
        projected = self.plane.project(self.molecule.positions) - middle
        return np.asarray(projected * BOHR_IN_ANGSTROM)

    def rmse(self, differences: FloatArray) -> float:
        """Return the root mean square of differences (p,) outside the atoms."""
        return float(np.sqrt(np.mean(differences[self.outside] ** 2)))


def plot_showcase(
    sources: Sequence[Source],
    reference: Path,
    molecule_id: str,
    grid: str,
    outputs: Sequence[Path],
    style: str = "default",
) -> None:
    """Draw the MEP of ``molecule_id`` on its plane ``grid`` and the errors of some variants.

    ``sources`` are predictions files, one per column: the first seed of a variant that is given
    with several. Points inside a van der Waals sphere are left white: charges are no model of the
    MEP there.

    Raises :class:`InputError` where the reference or a predictions file lacks the molecule.
    """
    table = MoleculeTable.load(reference)
    scene = _scene(table, molecule_id, grid)
    first = {source.name: source for source in reversed(sources)}
    names = list(dict.fromkeys(source.name for source in sources))
    predicted = {name: _predicted(scene, first[name], table) for name in names}
    u, v = scene.axes()
    columns = len(predicted) + 1
    width = picture_width(columns)
    panel_width = (width - _BARS_WIDTH) / columns
    height = _TITLES_HEIGHT + 2.0 * panel_width * float(np.ptp(v) / np.ptp(u))
    with drawing(width, height, outputs, style) as figure:
        panels = figure.subplots(2, columns, sharex=True, sharey=True, squeeze=False)
        _draw_values(figure, list(panels[0]), scene, predicted)
        _draw_differences(figure, list(panels[1, 1:]), scene, predicted)
        # The place below the reference has no difference to show: it holds the structure.
        panels[1, 0].remove()
        panels[0, 0].xaxis.set_tick_params(labelbottom=True)
        panels[1, 1].yaxis.set_tick_params(labelleft=True)
        draw_structure(figure.add_subplot(2, columns, columns + 1), scene.molecule, scene.atoms())
        for axes in (panels[0, 0], *panels[1, 1:]):
            axes.set_xlabel("x (Å)")
        for axes in (panels[0, 0], panels[1, 1]):
            axes.set_ylabel("y (Å)")


def _scene(table: MoleculeTable, molecule_id: str, grid: str) -> _Scene:
    plane, points, values = plane_values(table, molecule_id, grid)
    molecule = table.molecule(table.ids.index(molecule_id))
    distances = np.linalg.norm(points[:, None] - molecule.positions[None], axis=-1)
    depth = np.max(bondi_radii(molecule.atomic_numbers) - distances, axis=1)
    if not np.any(depth < 0.0):
        raise InputError(
            f"grid {grid!r} of {molecule_id} lies inside the molecule: raise margin_angstrom."
        )
    # More points than are outside: a sphere's edge then cuts the picture, and is round.
    drawn = depth < _CELLS_BELOW_SURFACE * plane.spacing_bohr
    reference = values[drawn] * HARTREE_PER_E_IN_KCAL_PER_MOL_E
    return _Scene(molecule, plane, drawn, points[drawn], reference, depth[drawn] < 0.0)


def _predicted(scene: _Scene, source: Source, reference: MoleculeTable) -> FloatArray:
    """Return a variant's MEP at the points outside the atoms, in kcal/mol/e."""
    table = predictions_of(scene.molecule.id, source.path, reference)
    return predicted_potential(table, 0, scene.points) * HARTREE_PER_E_IN_KCAL_PER_MOL_E


def _draw_values(
    figure: Figure, row: Sequence[Axes], scene: _Scene, predicted: dict[str, FloatArray]
) -> None:
    limit = symmetric_limit([scene.reference[scene.outside]])
    for axes, (name, values) in zip(
        row, {"reference": scene.reference, **predicted}.items(), strict=True
    ):
        mesh = _draw_image(axes, scene, values, limit, len(row) <= _COLUMNS_WITH_HYDROGENS)
        axes.set_title(name)
    figure.colorbar(mesh, ax=row, label="MEP (kcal/mol/e)", extend="both", pad=0.01, aspect=15)


def _draw_differences(
    figure: Figure, row: Sequence[Axes], scene: _Scene, predicted: dict[str, FloatArray]
) -> None:
    differences = {name: values - scene.reference for name, values in predicted.items()}
    limit = middle_limit([values[scene.outside] for values in differences.values()])
    for axes, values in zip(row, differences.values(), strict=True):
        mesh = _draw_image(axes, scene, values, limit, len(row) < _COLUMNS_WITH_HYDROGENS)
        axes.set_title(f"difference\nRMSE {scene.rmse(values):.2f}", fontsize=7.0)
    figure.colorbar(
        mesh, ax=row, label="difference (kcal/mol/e)", extend="both", pad=0.01, aspect=15
    )


def _draw_image(
    axes: Axes, scene: _Scene, values: FloatArray, limit: float, hydrogens: bool
) -> AxesImage:
    u, v = scene.axes()
    half = 0.5 * (u[1] - u[0])
    image = axes.imshow(
        scene.image(values),
        origin="lower",
        extent=(u[0] - half, u[-1] + half, v[0] - half, v[-1] + half),
        cmap=DIVERGING_MAP,
        vmin=-limit,
        vmax=limit,
        interpolation="bilinear",
        interpolation_stage="data",
    )
    if values.min() < 0.0 < values.max():  # else there is no line, and matplotlib warns
        axes.contour(u, v, scene.image(values), levels=[0.0], colors=GREY, linewidths=0.5)
    for locator in (axes.xaxis, axes.yaxis):
        locator.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.set_aspect("equal")
    axes.set_xlim(u[0], u[-1])
    axes.set_ylim(v[0], v[-1])
    _cover_spheres(axes, scene)
    draw_atoms(axes, scene.molecule, scene.atoms(), size=5.0, hydrogens=hydrogens)
    return image


def _cover_spheres(axes: Axes, scene: _Scene) -> None:
    """Draw the cut of the van der Waals spheres with the plane white, with a grey rim."""
    atoms = scene.atoms()
    radii = bondi_radii(scene.molecule.atomic_numbers) * BOHR_IN_ANGSTROM
    cuts = np.sqrt(np.maximum(radii**2 - atoms[:, 2] ** 2, 0.0))
    for order, rim in ((2.1, 1.0), (2.2, 0.0)):
        for centre, radius in zip(atoms[:, :2], cuts, strict=True):
            axes.add_patch(Circle(centre, radius, fc="white", ec=GREY, lw=rim, zorder=order))

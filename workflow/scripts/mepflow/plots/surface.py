"""Figure: the MEP of one molecule on its van der Waals surface, beside variants and differences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from mepflow.electrostatics.penetration import Widths
from mepflow.evaluation.mep_errors import predicted_potential
from mepflow.evaluation.predictions_file import predictions_of
from mepflow.evaluation.sources import Source
from mepflow.geometry.surface_extrema import Extremum, extrema
from mepflow.geometry.surfaces import Surface, surface_values
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.plots.rendering import Picture, render, view_axes
from mepflow.plots.structure import draw_atoms, draw_structure
from mepflow.plots.style import (
    BLACK,
    COLUMN_WIDTH,
    DIVERGING_MAP,
    GREY,
    HALO,
    WHITE,
    drawing,
    middle_limit,
    picture_width,
    symmetric_limit,
)
from mepflow.storage.csv_file import write_csv
from mepflow.units import BOHR_IN_ANGSTROM, HARTREE_PER_E_IN_KCAL_PER_MOL_E

FloatArray = npt.NDArray[np.float64]

_PIXELS_PER_INCH: Final = 300
_BARS_WIDTH: Final = 0.75
_TITLES_HEIGHT: Final = 0.85
_MAP_PANEL_WIDTH: Final = COLUMN_WIDTH - _BARS_WIDTH
_MARKED: Final = 3
"""Maxima, and minima, that are marked: those of largest size."""
_BESIDE_BOHR, _BEFORE_BOHR = 0.8, 1.5
"""What lies so little beside an extremum and so much before it hides it."""


@dataclass(frozen=True)
class _Scene:
    """A molecule, its surface and the MEP (n,) at its vertices by what gave it, in kcal/mol/e."""

    molecule: Molecule
    surface: Surface
    potentials: Mapping[str, FloatArray]

    @property
    def reference(self) -> FloatArray:
        """Return the first of the potentials."""
        return next(iter(self.potentials.values()))

    def predicted(self) -> dict[str, FloatArray]:
        """Return the others."""
        return dict(list(self.potentials.items())[1:])

    def rmse(self, differences: FloatArray) -> float:
        """Return the root mean square (weights: areas) of differences (n,)."""
        return float(np.sqrt(np.average(differences**2, weights=self.surface.vertex_areas())))

    def view(self) -> FloatArray:
        """Return the axes of the picture."""
        return view_axes(self.molecule.positions)

    def atoms(self) -> FloatArray:
        """Return the atoms' (right, up, height) (n, 3) in Å, in the frame of the picture."""
        return np.asarray(self.molecule.positions @ self.view().T * BOHR_IN_ANGSTROM)

    def sides(self) -> tuple[float, float]:
        """Return the width and the height of the picture in bohr."""
        across, up = np.ptp(self.surface.vertices @ self.view()[:2].T, axis=0)
        return float(across), float(up)

    def picture(self, values: FloatArray, width_inch: float) -> Picture:
        """Return the picture of values (n,) at the vertices."""
        pixels = _PIXELS_PER_INCH * width_inch
        return render(self.surface, values, self.view(), max(self.sides()) / pixels)

    def marked(self, values: FloatArray) -> list[Extremum]:
        """Return the extrema of values (n,) that are marked: the largest ones that can be seen."""
        seen = self.surface.vertices @ self.view().T
        found = extrema(self.surface, values)
        sides = ([one for one in found if one.is_maximum == side] for side in (True, False))
        return [one for side in sides for one in side[:_MARKED] if _is_seen(one.vertex, seen)]

    def table(self) -> pd.DataFrame:
        """Return what is drawn: a row per vertex, its place, its area and the potentials there."""
        x, y, z = self.surface.vertices.T
        columns = {"x_bohr": x, "y_bohr": y, "z_bohr": z}
        columns["area_bohr2"] = self.surface.vertex_areas()
        columns |= {f"{name}_kcal_per_mol_e": mep for name, mep in self.potentials.items()}
        return pd.DataFrame(columns)


def plot_surface(
    sources: Sequence[Source],
    reference: Path,
    molecule_id: str,
    grid: str,
    outputs: Sequence[Path],
    table: Path,
    style: str = "default",
    widths: Widths | None = None,
) -> None:
    """Draw the MEP of ``molecule_id`` on its surface ``grid`` and the errors of some variants.

    ``sources`` are predictions files, one per column: the first seed of a variant that is given
    with several. ``table`` is a CSV file of the potentials at the vertices. With penetration where
    ``widths`` in bohr have all elements of the molecule.

    Raises :class:`InputError` where the reference or a predictions file lacks the molecule.
    """
    scene = _scene(sources, reference, molecule_id, grid, widths)
    write_csv(scene.table().round(6), table)
    columns = len(scene.potentials)
    width = picture_width(columns)
    panel_width = (width - _BARS_WIDTH) / columns
    across, up = scene.sides()
    height = _TITLES_HEIGHT + 2.0 * panel_width * up / across
    with drawing(width, height, outputs, style) as figure:
        panels = figure.subplots(2, columns, squeeze=False)
        _draw_potentials(figure, list(panels[0]), scene, panel_width)
        _draw_differences(figure, list(panels[1, 1:]), scene, panel_width)
        draw_structure(panels[1, 0], scene.molecule, scene.atoms())


def plot_surface_map(
    molecule: Molecule,
    surface: Surface,
    values: FloatArray,
    outputs: Sequence[Path],
    *,
    title: str = "",
    label: str = "MEP",
    style: str = "default",
) -> None:
    """Draw one potential: ``values`` (n,) in hartree/e at the vertices of a molecule's surface.

    The largest of its local maxima and minima have a triangle and their value, where they are seen.
    ``title`` stands above the picture; ``label`` names the quantity at the colour bar, which is in
    kcal/mol/e.
    """
    scene = _Scene(molecule, surface, {label: values * HARTREE_PER_E_IN_KCAL_PER_MOL_E})
    across, up = scene.sides()
    height = _TITLES_HEIGHT / 2.0 + _MAP_PANEL_WIDTH * up / across
    with drawing(COLUMN_WIDTH, height, outputs, style) as figure:
        axes = figure.add_subplot()
        limit = symmetric_limit([scene.reference])
        _draw(axes, scene.picture(scene.reference, _MAP_PANEL_WIDTH), limit)
        draw_atoms(axes, molecule, scene.atoms(), size=6.0, on_picture=True)
        _draw_extrema(axes, scene)
        lines = [title, f"{_range(scene.reference)} kcal/mol/e"]
        axes.set_title("\n".join(filter(None, lines)), parse_math=False)
        _add_bar(figure, [axes], limit, f"{label} on the van der Waals\nsurface (kcal/mol/e)")


def _is_seen(vertex: int, seen: FloatArray) -> bool:
    """Tell whether nothing lies before a vertex, of (right, up, height) (n, 3) in bohr."""
    away = seen - seen[vertex]
    beside = np.hypot(away[:, 0], away[:, 1]) < _BESIDE_BOHR
    return not np.any(beside & (away[:, 2] > _BEFORE_BOHR))


def _draw_extrema(axes: Axes, scene: _Scene) -> None:
    places = scene.surface.vertices @ scene.view().T * BOHR_IN_ANGSTROM
    for one in scene.marked(scene.reference):
        x, y, _ = places[one.vertex]
        marker, side = ("^", 1) if one.is_maximum else ("v", -1)
        axes.plot(x, y, marker, color=BLACK, markersize=5.0, markeredgecolor=WHITE, zorder=6)
        axes.annotate(
            f"{one.value:.0f}".replace("-", "−"),
            (x, y),
            xytext=(0.0, 4.0 * side),
            textcoords="offset points",
            fontsize=5.0,
            horizontalalignment="center",
            verticalalignment="bottom" if one.is_maximum else "top",
            path_effects=HALO,
            zorder=6,
        )


def _scene(
    sources: Sequence[Source], reference: Path, molecule_id: str, grid: str, widths: Widths | None
) -> _Scene:
    table = MoleculeTable.load(reference)
    surface, values = surface_values(table, molecule_id, grid)
    potentials = {"reference": values}
    for source in sources:
        if source.name not in potentials:
            row = predictions_of(molecule_id, source.path, table)
            potentials[source.name] = predicted_potential(row, 0, surface.vertices, widths)
    molecule = table.molecule(table.ids.index(molecule_id))
    factor = HARTREE_PER_E_IN_KCAL_PER_MOL_E
    return _Scene(molecule, surface, {name: mep * factor for name, mep in potentials.items()})


def _draw_potentials(
    figure: Figure, row: Sequence[Axes], scene: _Scene, panel_width: float
) -> None:
    limit = symmetric_limit([scene.reference])
    for axes, (name, values) in zip(row, scene.potentials.items(), strict=True):
        _draw(axes, scene.picture(values, panel_width), limit)
        axes.set_title(f"{name}\n{_range(values)}")
    _add_bar(figure, row, limit, "MEP (kcal/mol/e)")


def _draw_differences(
    figure: Figure, row: Sequence[Axes], scene: _Scene, panel_width: float
) -> None:
    differences = [values - scene.reference for values in scene.predicted().values()]
    limit = middle_limit(differences)
    for axes, values in zip(row, differences, strict=True):
        _draw(axes, scene.picture(values, panel_width), limit)
        axes.set_title(f"difference\nRMSE {scene.rmse(values):.2f}", fontsize=7.0)
    _add_bar(figure, row, limit, "difference (kcal/mol/e)")


def _range(values: FloatArray) -> str:
    return f"{values.min():.0f} to {values.max():.0f}".replace("-", "−")


def _draw(axes: Axes, picture: Picture, limit: float) -> None:
    left, right, bottom, top = (end * BOHR_IN_ANGSTROM for end in picture.extent)
    axes.imshow(
        picture.colours(DIVERGING_MAP, limit),
        origin="lower",
        extent=(left, right, bottom, top),
        interpolation="antialiased",
    )
    height, width = picture.drawn.shape
    x = left + (np.arange(width) + 0.5) * (right - left) / width
    y = bottom + (np.arange(height) + 0.5) * (top - bottom) / height
    axes.contour(x, y, picture.drawn.astype(float), levels=[0.5], colors=GREY, linewidths=0.5)
    shown = np.ma.masked_invalid(picture.scalars)
    if shown.min() < 0.0 < shown.max():  # else there is no line, and matplotlib warns
        axes.contour(x, y, shown, levels=[0.0], colors=GREY, linewidths=0.5)
    axes.set_axis_off()


def _add_bar(figure: Figure, row: Sequence[Axes], limit: float, label: str) -> None:
    scale = ScalarMappable(Normalize(-limit, limit), DIVERGING_MAP)
    figure.colorbar(scale, ax=list(row), label=label, extend="both", pad=0.01, aspect=15)

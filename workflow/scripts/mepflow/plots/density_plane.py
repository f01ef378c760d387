"""Figure: what bonding moves of a density in a plane, and what a model of it has wrong."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import SymLogNorm

from mepflow.densities.plane_densities import PlaneDensities
from mepflow.plots.structure import draw_atoms
from mepflow.plots.style import DIVERGING_MAP, PAGE_WIDTH, drawing
from mepflow.units import BOHR_IN_ANGSTROM

FloatArray = npt.NDArray[np.float64]

_LARGEST: Final = (0.1, 0.01)
"""Ends of the colour scales of the upper and lower panels, in e/bohr³."""
_LINEAR: Final = 0.01
"""Share of a scale around 0 that is linear."""
_SHOWN_ANGSTROM: Final = 1.8
"""Margin around the atoms."""
_BARS: Final = 1.0
_TITLES: Final = 0.9


def plot_density_plane(plane: Path, outputs: Sequence[Path], style: str = "default") -> None:
    """Draw a file of :mod:`mepflow.densities.plane_densities`.

    Above, the deformation density of the exact density and of the model, that is less that of the
    free atoms; below, the model less the exact density, and the fit that it learned less it.
    """
    found = PlaneDensities.load(plane)
    upper = {
        "exact − free atoms": found.exact - found.atoms,
        "model − free atoms": found.model - found.atoms,
    }
    lower = {"fit − exact": found.fit - found.exact, "model − exact": found.model - found.exact}
    atoms = _atoms(found)
    window = np.array([atoms[:, :2].min(axis=0), atoms[:, :2].max(axis=0)])
    window += np.array([[-_SHOWN_ANGSTROM], [_SHOWN_ANGSTROM]])
    aspect = float(np.ptp(window[:, 1]) / np.ptp(window[:, 0]))
    height = _TITLES + (PAGE_WIDTH - _BARS) * aspect
    with drawing(PAGE_WIDTH, height, outputs, style) as figure:
        grid = figure.subplots(2, 2, sharex=True, sharey=True)
        for row, (panels, limit) in enumerate(zip((upper, lower), _LARGEST, strict=True)):
            for axes, (title, values) in zip(grid[row], panels.items(), strict=True):
                image = _draw(axes, found, values, limit, atoms, window)
                axes.set_title(title)
            figure.colorbar(
                image, ax=list(grid[row]), label="Δρ (e/bohr³)", extend="both", pad=0.01, aspect=15
            )
        for axes in grid[1]:
            axes.set_xlabel("x (Å)")
        for axes in grid[:, 0]:
            axes.set_ylabel("y (Å)")


def _atoms(found: PlaneDensities) -> FloatArray:
    """Return the atoms' (u, v, height) (n, 3) in Å, zero in the middle of the plane."""
    middle = 0.5 * found.picture.spacing_bohr * (np.array([*found.picture.shape, 1]) - 1)
    projected = found.picture.project(found.molecule.positions) - middle
    return np.asarray(projected * BOHR_IN_ANGSTROM)


def _draw(
    axes: Axes,
    found: PlaneDensities,
    values: FloatArray,
    limit: float,
    atoms: FloatArray,
    window: FloatArray,
) -> Any:
    step = found.picture.spacing_bohr * BOHR_IN_ANGSTROM
    u, v = (0.5 * step * n for n in found.picture.shape)
    image = axes.imshow(
        values.T,
        origin="lower",
        extent=(-u, u, -v, v),
        # Blue is where electrons have gathered, red where they are lacking.
        cmap=DIVERGING_MAP,
        norm=SymLogNorm(_LINEAR * limit, vmin=-limit, vmax=limit),
        interpolation="bilinear",
        interpolation_stage="data",
    )
    axes.set_aspect("equal")
    axes.set_xlim(*window[:, 0])
    axes.set_ylim(*window[:, 1])
    draw_atoms(axes, found.molecule, atoms, size=6.0, on_picture=True)
    return image

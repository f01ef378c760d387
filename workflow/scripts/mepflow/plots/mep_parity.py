"""Figure: predicted against reference MEP, point by point."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from matplotlib.colors import LogNorm

from mepflow.errors import InputError
from mepflow.evaluation.mep_errors import predicted_potential
from mepflow.evaluation.predictions_file import molecule_names
from mepflow.evaluation.sources import Source
from mepflow.molecules import MoleculeTable
from mepflow.naming import grid_label
from mepflow.plots.marks import size_text
from mepflow.plots.panels import (
    by_name,
    matched_tables,
    n_rows,
    panel_side,
    separator,
    square_panels,
)
from mepflow.plots.style import COUNT_MAP, drawing, picture_width
from mepflow.units import HARTREE_PER_E_IN_KCAL_PER_MOL_E

FloatArray = npt.NDArray[np.float64]

_CELLS: Final = 90
"""Cells of a panel along each axis."""
_TITLE_HEIGHT: Final = 0.42
_MARGIN_HEIGHT: Final = 0.5


@dataclass
class _Counts:
    """Points of one variant in cells of (reference, predicted), and the sum of squared errors."""

    cells: FloatArray
    square: float = 0.0
    total: int = 0

    @classmethod
    def empty(cls) -> Self:
        return cls(np.zeros((_CELLS, _CELLS)))

    def add(self, true: FloatArray, predicted: FloatArray, edges: FloatArray) -> None:
        self.cells += np.histogram2d(true, predicted, bins=[edges, edges])[0]
        self.square += float(np.sum((predicted - true) ** 2))
        self.total += len(true)

    @property
    def rmse(self) -> float:
        return float(np.sqrt(self.square / self.total))


def plot_mep_parity(
    sources: Sequence[Source],
    reference: Path,
    grid: str,
    outputs: Sequence[Path],
    style: str = "default",
) -> None:
    """Draw the density of grid points by reference and predicted MEP, a panel per variant.

    ``sources`` are predictions files; the seeds of a variant share its panel. Points are counted
    into cells file by file, so the memory does not grow with the number of molecules.
    """
    table = MoleculeTable.load(reference)
    if grid not in table.grids:
        raise InputError(f"{reference} has no grid {grid!r}: choose one of the dataset's grids.")
    variants = by_name(sources)
    size = _size(table, grid, sources[0])
    limit = _limit(table, grid, sources[0])
    edges = np.linspace(-limit, limit, _CELLS + 1)
    counts = {name: _count(files, table, grid, edges) for name, files in variants.items()}
    row_height = panel_side(len(variants)) + _TITLE_HEIGHT
    height = _MARGIN_HEIGHT + row_height * n_rows(len(variants))
    with drawing(picture_width(len(variants)), height, outputs, style) as figure:
        panels = square_panels(figure, len(counts), limit)
        norm = LogNorm(1.0, max(2.0, *(float(one.cells.max()) for one in counts.values())))
        for axes, (name, one) in zip(panels, counts.items(), strict=True):
            cells = np.ma.masked_equal(one.cells.T, 0.0)
            mesh = axes.pcolormesh(edges, edges, cells, norm=norm, cmap=COUNT_MAP, rasterized=True)
            axes.set_title(f"{name}\nRMSE {one.rmse:.2f}{_outside(one)}", fontsize=6.0)
        figure.colorbar(mesh, ax=panels, label="points per cell", shrink=0.8, aspect=30, pad=0.02)
        label = f"reference MEP on the {grid_label(grid)} grid (kcal/mol/e)"
        label += separator(len(panels), ",") + size
        figure.supxlabel(label, fontsize=7.5)
        figure.supylabel("predicted MEP (kcal/mol/e)", fontsize=7.5)


def _outside(one: _Counts) -> str:
    """Return how many points lie beyond the scale, as a further line of a title."""
    outside = one.total - int(one.cells.sum())
    return f"\n{outside:,} of {one.total:,} outside" if outside else ""


def _size(reference: MoleculeTable, grid: str, source: Source) -> str:
    """Return how many points a predictions file has on a grid, and of how many molecules."""
    _, matched = next(matched_tables([source], reference))
    size = size_text(len(matched), len(set(molecule_names(matched))))
    return f"{len(matched.grids[grid].mep):,} points of {size}"


def _limit(reference: MoleculeTable, grid: str, source: Source) -> float:
    """Return the largest |MEP| of the molecules in a predictions file, with a margin."""
    _, matched = next(matched_tables([source], reference))
    values = matched.grids[grid].mep
    if not len(values):
        raise InputError(f"the molecules of {source.path} have no points on grid {grid!r}.")
    return 1.1 * float(np.abs(values).max()) * HARTREE_PER_E_IN_KCAL_PER_MOL_E


def _count(
    sources: Sequence[Source], reference: MoleculeTable, grid: str, edges: FloatArray
) -> _Counts:
    counts = _Counts.empty()
    for predicted, matched in matched_tables(sources, reference):
        for index in range(len(predicted)):
            points, values = matched.grids[grid].of(index)
            found = predicted_potential(predicted, index, points)
            factor = HARTREE_PER_E_IN_KCAL_PER_MOL_E
            counts.add(values * factor, found * factor, edges)
    return counts

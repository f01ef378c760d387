"""Figure: the MEP error of every variant beside the baselines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from mepflow.errors import InputError
from mepflow.evaluation.sources import (
    Source,
    read_sources,
    require_same_molecules,
    structures_by_seeds,
)
from mepflow.evaluation.statistics import Summary, summarize
from mepflow.naming import FLOORS, grid_label, representation_label
from mepflow.plots.appearance import Appearance, Rows, appearances
from mepflow.plots.panels import log_axis, write_median
from mepflow.plots.style import BLACK, PAGE_WIDTH, drawing

FloatArray = npt.NDArray[np.float64]

_COLUMN: Final = "rmse_kcal_per_mol_e"
_POINTS_SHOWN: Final = 300
"""More molecules than this hide each other: their box tells more."""
_ROWS_OF_A_LABEL: Final = 6
"""Fewer rows have no room for the upright label of a floor; its row names it anyway."""
_ROW_HEIGHT: Final = 0.24
_MARGIN_HEIGHT: Final = 0.75


@dataclass(frozen=True)
class _Row:
    """One representation: errors of its molecules (m,), their summary (kcal/mol/e), its look."""

    name: str
    values: FloatArray
    summary: Summary
    look: Appearance


def plot_mep_error(
    sources: Sequence[Source],
    variants: Rows,
    grid: str,
    outputs: Sequence[Path],
    style: str = "default",
    bootstrap_seed: int = 0,
) -> None:
    """Draw the distribution of the per-molecule MEP RMSE on ``grid``, a row per representation.

    ``sources`` are the per-molecule CSV files of :func:`mepflow.evaluation.mep_errors.evaluate_mep`
    in the order of the rows, of baselines and of models of rows of ``variants``. Dots are molecules
    (mean over seeds), boxes hold half of them, whiskers nine tenths; the black-rimmed marker is the
    median with its 95 % bootstrap interval. Lines mark the medians of the fits to the reference:
    floors of charges, and of charges with dipoles.
    """
    rows = _rows(sources, appearances(variants), grid, bootstrap_seed)
    height = _MARGIN_HEIGHT + _ROW_HEIGHT * len(rows)
    with drawing(PAGE_WIDTH, height, outputs, style) as figure:
        axes = figure.add_subplot()
        for position, row in enumerate(rows):
            _draw_row(axes, position, row)
        _draw_floors(axes, rows)
        models = {source.name for source in sources if not source.is_baseline}
        axes.axhline(len(models) - 0.5, color=BLACK, linewidth=0.5)
        axes.set_yticks(range(len(rows)), [_label(row, rows[0]) for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        log_axis(axes)
        structures = f"{rows[0].summary.n_molecules:,} test structures"
        axes.set_xlabel(
            f"RMSE of the MEP on the {grid_label(grid)} grid (kcal/mol/e), {structures}"
        )


def _rows(
    sources: Sequence[Source], looks: Mapping[str, Appearance], grid: str, bootstrap_seed: int
) -> list[_Row]:
    errors = read_sources(sources)
    errors = errors[errors["grid"] == grid]
    if errors.empty:
        raise InputError(f"no MEP errors were measured on grid {grid!r}: choose another grid.")
    require_same_molecules(errors)
    rows = []
    for name in dict.fromkeys(source.name for source in sources):
        of_name = errors[errors["name"] == name]
        values = structures_by_seeds(of_name, _COLUMN).mean(axis=1).to_numpy()
        summary = summarize(of_name, _COLUMN, seed=bootstrap_seed)
        rows.append(_Row(name, values, summary, looks[name]))
    return rows


def _label(row: _Row, first: _Row) -> str:
    """Return what a row is called, with its molecules where they are fewer than the first row's."""
    label = representation_label(row.name)
    if len(row.values) == len(first.values):
        return label
    return f"{label}\n({len(row.values):,} of {len(first.values):,} structures)"


def _draw_row(axes: Axes, position: int, row: _Row) -> None:
    look = row.look
    if len(row.values) <= _POINTS_SHOWN:
        # Spread evenly in the order of the molecules: no chance in a figure.
        spread = position + 0.3 * (2.0 * (np.arange(len(row.values)) * 0.618 % 1.0) - 1.0)
        axes.scatter(row.values, spread, s=3.0, color=look.colour, alpha=0.5, linewidths=0)
    low, first, third, high = np.quantile(row.values, [0.05, 0.25, 0.75, 0.95])
    axes.hlines(position, low, high, color=look.colour, linewidth=0.8)
    axes.hlines(position, first, third, color=look.colour, linewidth=5.0, alpha=0.55)
    summary = row.summary
    axes.hlines(position, summary.median_low, summary.median_high, color=BLACK, linewidth=1.4)
    face = look.colour if look.colour != BLACK else "white"
    axes.plot(summary.median, position, look.marker, markersize=4.5, mfc=face, mec=BLACK, mew=0.8)
    write_median(axes, position, summary)


def _draw_floors(axes: Axes, rows: Sequence[_Row]) -> None:
    """Mark the medians of the fits, and head the column of medians."""
    for row in rows:
        if row.name in FLOORS:
            median = row.summary.median
            axes.axvline(median, color=BLACK, linestyle=row.look.line, lw=0.7, zorder=0)
            if len(rows) < _ROWS_OF_A_LABEL:
                continue
            axes.annotate(
                FLOORS[row.name],
                (median, 1.0),
                xycoords=axes.get_xaxis_transform(),
                xytext=(-2.0, 0.0),
                textcoords="offset points",
                rotation="vertical",
                horizontalalignment="right",
                verticalalignment="top",
                fontsize=6.5,
            )
    axes.annotate(
        "median [95 %]",
        (1.01, 1.0),
        xycoords="axes fraction",
        xytext=(0.0, 2.0),
        textcoords="offset points",
        fontsize=6.5,
    )

"""Figure: the MEP error of every variant beside the baselines."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mepflow.errors import InputError
from mepflow.evaluation.sources import (
    Source,
    read_sources,
    require_same_molecules,
    structures_by_seeds,
)
from mepflow.evaluation.statistics import FEWEST_MOLECULES, Summary, summarize
from mepflow.naming import FLOORS, grid_label, representation_label
from mepflow.plots.appearance import Appearance, Rows, appearances
from mepflow.plots.log_axes import log_axis
from mepflow.plots.marks import NO_MODEL, draw_marks, size_text, write_median
from mepflow.plots.style import BLACK, GREY, PAGE_WIDTH, drawing

FloatArray = npt.NDArray[np.float64]

_COLUMN: Final = "rmse_kcal_per_mol_e"
_POINTS_SHOWN: Final = 300
"""More molecules than this hide each other: their box tells more."""
_LABEL_WIDTH: Final = 24
"""Characters in a line of a label above the axes."""
_LABEL_HEIGHT: Final = 17.0
"""Height of two lines of such a label in points."""
_LETTER_WIDTH: Final = 3.7
"""Width of its letters in points, with room between labels."""
_FLOOR: Final[dict[str, Any]] = {"color": BLACK, "linewidth": 0.7}
_NO_MODEL: Final[dict[str, Any]] = {"color": GREY, "linewidth": 2.5, "alpha": 0.5}
_ROW_HEIGHT: Final = 0.24
_MARGIN_HEIGHT: Final = 0.55


@dataclass(frozen=True)
class _Row:
    """One representation: errors of its structures (m,), their summary (kcal/mol/e), its look.

    ``no_model`` is the median size (root mean square) of the reference at the same points: the
    error of a potential that is zero everywhere.
    """

    name: str
    values: FloatArray
    no_model: float
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
    in the order of the rows, of baselines and of models of rows of ``variants``. Dots are
    structures (mean over seeds), boxes hold half of them, whiskers nine tenths; the rimmed marker
    is the median with its 95 % bootstrap interval. Fewer than six molecules have neither boxes nor
    intervals. Lines mark the medians of the fits to the reference, floors of charges and of charges
    with dipoles, and that of no model, the size of the potential itself.
    """
    rows = _rows(sources, appearances(variants), grid, bootstrap_seed)
    levels = _levels(rows)
    height = _MARGIN_HEIGHT + _ROW_HEIGHT * (len(rows) + len(levels))
    with drawing(PAGE_WIDTH, height, outputs, style) as figure:
        axes = figure.add_subplot()
        for position, row in enumerate(rows):
            _draw_row(axes, position, row)
        for x, _, line in levels:
            axes.axvline(x, zorder=0, **line)
        models = {source.name for source in sources if not source.is_baseline}
        axes.axhline(len(models) - 0.5, color=BLACK, linewidth=0.5)
        axes.set_yticks(range(len(rows)), [_label(row, rows[0]) for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        log_axis(axes.xaxis, most=9)
        _write_above(figure, axes, {x: text for x, text, _ in levels})
        size = size_text(rows[0].summary.n_structures, rows[0].summary.n_molecules)
        axes.set_xlabel(f"RMSE of the MEP on the {grid_label(grid)} grid (kcal/mol/e), {size}")


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
        rows.append(_Row(name, values, _no_model(of_name), summary, looks[name]))
    return rows


def _no_model(errors: pd.DataFrame) -> float:
    """Return the median over structures of the root mean square of the reference potential."""
    sizes = errors[_COLUMN] / errors["relative_rmse"]  # NaN where both are zero
    return float(sizes.groupby(errors["id"]).mean().median())


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
    summary = row.summary
    if summary.n_molecules >= FEWEST_MOLECULES:
        low, first, third, high = np.quantile(row.values, [0.05, 0.25, 0.75, 0.95])
        axes.hlines(position, low, high, color=look.colour, linewidth=0.8)
        axes.hlines(position, first, third, color=look.colour, linewidth=5.0, alpha=0.55)
        axes.hlines(position, summary.median_low, summary.median_high, color=BLACK, linewidth=1.4)
    draw_marks(axes, summary.median, position, look, size=4.5)
    write_median(axes, position, summary)


def _levels(rows: Sequence[_Row]) -> list[tuple[float, str, dict[str, Any]]]:
    """Return the upright lines: the medians of the fits and of no model, each with its look."""
    levels: list[tuple[float, str, dict[str, Any]]] = [
        (row.summary.median, FLOORS[row.name], _FLOOR | {"linestyle": row.look.line})
        for row in rows
        if row.name in FLOORS
    ]
    if np.isfinite(rows[0].no_model):
        levels.append((rows[0].no_model, NO_MODEL, _NO_MODEL))
    return levels


def _write_above(figure: Figure, axes: Axes, labels: Mapping[float, str]) -> None:
    """Head the column of medians, and write what the upright lines are, in steps where close."""
    figure.draw_without_rendering()  # lays the axes out
    low, high = np.log(axes.get_xlim())
    across = axes.get_window_extent().width * 72.0 / figure.dpi
    end, step = -np.inf, 0
    for x, text in sorted(labels.items()):
        lines = textwrap.wrap(text, _LABEL_WIDTH)
        width = _LETTER_WIDTH * max(map(len, lines))
        place = across * (np.log(x) - low) / (high - low)
        at_end = place + 0.5 * width > across
        start = place - (1.0 if at_end else 0.5) * width
        step = step + 1 if start < end else 0
        end = max(end, start + width)
        axes.annotate(
            "\n".join(lines),
            (x, 1.0),
            xycoords=axes.get_xaxis_transform(),
            xytext=(0.0, 2.0 + _LABEL_HEIGHT * step),
            textcoords="offset points",
            horizontalalignment="right" if at_end else "center",
            verticalalignment="bottom",
            fontsize=6.0,
        )
    axes.annotate(
        "median [95 %]",
        (1.01, 1.0),
        xycoords="axes fraction",
        xytext=(0.0, 2.0),
        textcoords="offset points",
        fontsize=6.5,
    )

"""Figures of a judgement: the errors of all rows, and where they are."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

from mepflow.evaluation.breakdown import DISTANCE, ELEMENT
from mepflow.judging.error_parts import BY, KIND, SIZE, medians_of_parts
from mepflow.judging.judgement import FLOORS, Judgement
from mepflow.judging.judgement_text import row_label
from mepflow.judging.structure_errors import RMSE
from mepflow.plots.log_axes import log_axis
from mepflow.plots.marks import size_text
from mepflow.plots.style import BLACK, BLUE, GREY, LIGHT_GREY, PAGE_WIDTH, WHITE, drawing

_ROW_INCHES: Final = 0.2
_MARGIN_INCHES: Final = 0.95
_HEAD_INCHES: Final = 1.3
_MAP: Final = "viridis_r"
_DARK: Final = 0.6
"""Numbers on a colour beyond this share of the scale are white."""
_TEN: Final = 10.0
"""Numbers from here on have no decimals."""
_LEAST: Final = 0.01
"""Errors below, in kcal/mol/e, have the colour of this one."""
_TITLES: Final = {
    DISTANCE: "distance (Å)",
    ELEMENT: "nearest element",
    KIND: "kind",
    SIZE: "heavy atoms",
}


def draw_errors(judgement: Judgement, grid: str, outputs: Sequence[Path]) -> None:
    """Draw each row's errors by structure, their median and its interval."""
    table, errors = judgement.table, judgement.judged
    height = _MARGIN_INCHES + _ROW_INCHES * len(table)
    with drawing(PAGE_WIDTH, height, outputs, "default") as figure:
        axes = figure.add_subplot()
        for place, row in enumerate(table.to_dict("records")):
            own = errors.loc[errors["name"] == row["row"], RMSE].to_numpy()
            colour = GREY if row["row"] in FLOORS else BLUE
            axes.plot(own, np.full(len(own), place), "o", color=LIGHT_GREY, markersize=2.0)
            ends = [row[f"median_rmse_{end}_kcal_per_mol_e"] for end in ("low", "high")]
            axes.plot(ends, [place, place], color=colour, linewidth=1.4)
            median = row["median_rmse_kcal_per_mol_e"]
            axes.plot(median, place, "o", color=colour, markersize=4.0)
            axes.annotate(
                f"{median:.2f}", (1.01, place), xycoords=("axes fraction", "data"), va="center"
            )
        _name_rows(axes, table)
        log_axis(axes.xaxis)
        axes.grid(visible=True, axis="x", color=LIGHT_GREY, linewidth=0.5)
        n_molecules = int(table["n_molecules"].max())
        axes.set_title(size_text(judgement.shared, n_molecules, "reference"), fontsize=7.5)
        axes.set_xlabel(f"RMSE of the MEP on the grid {grid} (kcal/mol/e); grey: floors")


def draw_parts(judgement: Judgement, parts: pd.DataFrame, outputs: Sequence[Path]) -> None:
    """Draw the medians of each row by distance, element, kind and size as a coloured table."""
    names = judgement.table["row"]
    found = [medians_of_parts(parts, by) for by in BY]
    medians = [one.loc[list(names)] for one, _ in found]
    widths = [max(len(one.columns), 2) for one in medians]
    everything = np.concatenate([one.to_numpy().ravel() for one in medians])
    low, high = np.nanmin(everything), np.nanmax(everything)
    scale = LogNorm(max(low, _LEAST), max(high, 2.0 * _LEAST), clip=True)
    height = _HEAD_INCHES + _ROW_INCHES * len(names)
    with drawing(PAGE_WIDTH, height, outputs, "default") as figure:
        panels = figure.subplots(1, len(BY), width_ratios=widths, squeeze=False)[0]
        for axes, by, table, (_, counts) in zip(panels, BY, medians, found, strict=True):
            _draw_part(axes, table, counts, scale)
            axes.set_title(_TITLES[by], fontsize=6.5)
            axes.set_yticks([])
        _name_rows(panels[0], judgement.table)
        figure.supxlabel(
            "median RMSE of the MEP (kcal/mol/e); in brackets: number of molecules",
            fontsize=7.5,
        )


def _draw_part(axes: Axes, table: pd.DataFrame, counts: Sequence[int], scale: LogNorm) -> None:
    values = table.to_numpy()
    axes.imshow(values, norm=scale, cmap=_MAP, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        if not np.isnan(value):
            colour = WHITE if float(scale(value)) > _DARK else BLACK
            text = f"{value:.{2 if value < 1 else int(value < _TEN)}f}"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=5.0)
    pairs = zip(table.columns, counts, strict=True)
    heads = [f"{str(part).removesuffix(' Å')} ({count})" for part, count in pairs]
    axes.set_xticks(range(len(heads)), heads, rotation=90, fontsize=5.5)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def _name_rows(axes: Axes, table: pd.DataFrame) -> None:
    axes.set_yticks(range(len(table)), [row_label(str(name)) for name in table["row"]])
    axes.set_ylim(len(table) - 0.5, -0.5)

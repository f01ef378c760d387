"""Figure: the MEP error of models of other data sets beside the data set's own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from mepflow.evaluation.sources import Source
from mepflow.evaluation.statistics import FEWEST_MOLECULES, summarize, values_of_molecules
from mepflow.evaluation.transfer_evaluation import ByDataset, Comparison, comparisons
from mepflow.naming import grid_label, representation_label
from mepflow.plots.appearance import Appearance, Rows, appearances
from mepflow.plots.log_axes import log_axis
from mepflow.plots.marks import (
    MARK_HANDLE,
    draw_marks,
    draw_singles,
    joined,
    size_text,
    write_median,
)
from mepflow.plots.style import BLACK, GREY, PAGE_WIDTH, drawing
from mepflow.selection.common_names import common_name

_COLUMN: Final = "rmse_kcal_per_mol_e"
_ROW_HEIGHT: Final = 0.3
_MARGIN_HEIGHT: Final = 0.95
_APART: Final = 0.17
"""How far above and below its row's middle a model of either kind is drawn."""
_TEXT_SIZE: Final = 6.0


def plot_transfer(
    dataset: str,
    own: Sequence[Source],
    foreign: ByDataset,
    variants: Rows,
    grid: str,
    outputs: Sequence[Path],
    style: str = "default",
) -> None:
    """Draw the median MEP RMSE on ``grid`` of own and other models, a panel per other data set.

    ``own`` and ``foreign`` are per-molecule CSV files of the MEP on the test molecules of
    ``dataset``, of models of rows of ``variants``. A row per variant: filled markers are the data
    set's own models, open ones the other's, on the molecules of the latter; lines are 95 %
    bootstrap intervals over molecules. Where these are too few for an interval, each has a mark,
    and their names stand above the panel.
    """
    grouped: dict[str, list[Comparison]] = {}
    for one in comparisons(own, foreign, grid):
        grouped.setdefault(one.source, []).append(one)
    looks = appearances(variants)
    rows = max(len(group) for group in grouped.values())
    height = len(grouped) * (_MARGIN_HEIGHT + _ROW_HEIGHT * rows)
    with drawing(PAGE_WIDTH, height, outputs, style) as figure:
        panels = figure.subplots(len(grouped), 1, sharex=True, squeeze=False)[:, 0]
        for axes, (source, group) in zip(panels, grouped.items(), strict=True):
            _draw_panel(axes, dataset, source, group, looks)
        label = f"RMSE of the MEP on the {grid_label(grid)} grid (kcal/mol/e)"
        figure.supxlabel(label, fontsize=7.5)


def _draw_panel(
    axes: Axes,
    dataset: str,
    source: str,
    group: Sequence[Comparison],
    looks: Mapping[str, Appearance],
) -> None:
    for position, one in enumerate(group):
        if one.foreign.empty:
            continue
        look = looks[one.variant]
        _draw_model(axes, position - _APART, look, one.own, filled=True)
        _draw_model(axes, position + _APART, look, one.foreign, filled=False)
    axes.set_yticks(range(len(group)), [representation_label(one.variant) for one in group])
    axes.set_ylim(len(group) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    largest = max((one.foreign for one in group), key=len)
    if largest.empty:
        axes.set_title(f"no test molecule of {dataset} is of the kind that {source} trains on")
        axes.xaxis.set_visible(False)
        return
    log_axis(axes.xaxis, most=9)
    for position in range(1, len(group)):
        axes.axhline(position - 0.5, color=GREY, linewidth=0.3)
    handles = [
        Line2D([], [], color=GREY, marker="o", linestyle="none", mfc=face, mec=BLACK, label=label)
        for face, label in ((GREY, f"trained on {dataset}"), ("white", f"trained on {source}"))
    ]
    axes.legend(
        handles=handles,
        title=_molecules(largest, dataset),
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=2,
        handlelength=MARK_HANDLE,
    )
    axes.annotate(
        "median" if _are_few(largest) else "median [95 %]",
        (1.01, 1.0),
        xycoords="axes fraction",
        fontsize=_TEXT_SIZE,
    )


def _molecules(errors: pd.DataFrame, dataset: str) -> str:
    """Return how many molecules the errors are of, and which where they are few."""
    molecules = sorted(errors["molecule"].unique())
    size = size_text(errors["id"].nunique(), len(molecules), f"{dataset} test")
    if not _are_few(errors):
        return size
    return f"{size}: {joined([common_name(one) or one for one in molecules])}"


def _are_few(errors: pd.DataFrame) -> bool:
    """Tell whether the errors are of too few molecules for an interval."""
    return errors["molecule"].nunique() < FEWEST_MOLECULES


def _draw_model(
    axes: Axes, position: float, look: Appearance, errors: pd.DataFrame, *, filled: bool
) -> None:
    shown = look if filled else replace(look, hollow=True)
    summary = summarize(errors, _COLUMN)
    if _are_few(errors):
        values = values_of_molecules(errors, _COLUMN)
        draw_singles(axes, values, [position] * len(values), shown)
    else:
        ends = summary.median_low, summary.median_high
        axes.hlines(position, *ends, color=look.colour, linewidth=1.6)
        draw_marks(axes, summary.median, position, shown, size=4.5)
    write_median(axes, position, summary, _TEXT_SIZE)

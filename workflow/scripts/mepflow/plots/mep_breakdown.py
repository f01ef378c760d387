"""Figures of where the MEP is wrong: by distance, by nearest element, by kind of molecule."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from mepflow.errors import InputError
from mepflow.evaluation.breakdown import DISTANCE, ELEMENT, GROUP, SINGLE_VALUES
from mepflow.naming import representation_label
from mepflow.plots.appearance import Appearance, Rows, appearances
from mepflow.plots.distance_curves import draw_distance_curves
from mepflow.plots.log_axes import log_axis
from mepflow.plots.marks import MARK_HANDLE, draw_marks, draw_singles, size_text
from mepflow.plots.style import COLUMN_WIDTH, GREY, LIGHT_GREY, drawing
from mepflow.storage.csv_file import read_csv

_MEDIAN: Final = "median_rmse_kcal_per_mol_e"
_LOW: Final = "median_rmse_low_kcal_per_mol_e"
_HIGH: Final = "median_rmse_high_kcal_per_mol_e"
_AXES: Final = {ELEMENT: "nearest element", GROUP: "molecules"}
_FEWEST_DRAWN: Final = 2
"""Parts of fewer molecules are not drawn beside others: one says nothing of a kind."""
_DISTANCE_HEIGHT: Final = 2.6
_ROW_HEIGHT: Final = 0.3
_MARGIN_HEIGHT: Final = 0.55
_LEGEND_ROW_HEIGHT: Final = 0.15
_LEGEND_COLUMNS: Final = 2
_LONG_NAME: Final = 30
"""Beside the sample of a line, a name of more characters leaves no room for a second column."""
_SPREAD: Final = 0.36
"""Half the height, in rows, over which the marks of a part are spread."""


def plot_mep_breakdown(
    table: Path,
    by: str,
    names: Sequence[str],
    variants: Rows,
    outputs: Sequence[Path],
    style: str = "default",
) -> None:
    """Draw the error by distance, by nearest element or by kind of molecule.

    ``table`` is the CSV file of :func:`mepflow.tables.breakdown_table.write_breakdown_table`,
    ``by`` one of the values of its column of that name, ``names`` are the representations to draw,
    baselines or of rows of ``variants``.
    Raises :class:`InputError` where the table has nothing of one of them.
    """
    frame = _read(table, by, names)
    known = appearances(variants)
    looks = {name: known[name] for name in names}
    if by == DISTANCE:
        _plot_distances(frame, looks, outputs, style)
    else:
        _plot_parts(frame, by, looks, outputs, style)


def _plot_distances(
    frame: pd.DataFrame, looks: Mapping[str, Appearance], outputs: Sequence[Path], style: str
) -> None:
    """Draw curves with bands, the 95 % intervals, and the size of the reference itself."""
    is_long = max(len(representation_label(name)) for name in looks) > _LONG_NAME
    columns = 1 if is_long else _LEGEND_COLUMNS
    height = _DISTANCE_HEIGHT + _legend_height(len(looks) + 2, columns)
    with drawing(COLUMN_WIDTH, height, outputs, style) as figure:
        axes = figure.add_subplot()
        draw_distance_curves(axes, frame, looks, _MEDIAN, _LOW, _HIGH)
        axes.set_ylabel("median RMSE of the MEP (kcal/mol/e)")
        band = Patch(color=GREY, alpha=0.3, lw=0, label="95 % interval")
        more = [band] if frame[_LOW].notna().any() else []
        _add_legend(figure, axes, frame, more, columns=columns)


def _plot_parts(
    frame: pd.DataFrame,
    by: str,
    looks: Mapping[str, Appearance],
    outputs: Sequence[Path],
    style: str,
) -> None:
    """Draw a row of marks for each part; their lines are the 95 % intervals.

    Of a part of molecules too few for an interval, each molecule has a small mark of its own.
    """
    parts = list(frame["part"].unique())
    height = _MARGIN_HEIGHT + _ROW_HEIGHT * len(parts) + _legend_height(len(looks))
    offsets = np.linspace(-_SPREAD, _SPREAD, len(looks)) if len(looks) > 1 else np.zeros(1)
    with drawing(COLUMN_WIDTH, height, outputs, style) as figure:
        axes = figure.add_subplot()
        for (name, look), offset in zip(looks.items(), offsets, strict=True):
            of_name = frame[frame["representation"] == name]
            places = np.array([parts.index(part) for part in of_name["part"]]) + offset
            _draw_marks(axes, name, look, places, of_name)
        for position in range(1, len(parts)):
            axes.axhline(position - 0.5, color=LIGHT_GREY, linewidth=0.4)
        axes.set_yticks(range(len(parts)), [_label(frame, part) for part in parts])
        axes.set_ylim(len(parts) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.set_ylabel(_AXES[by])
        log_axis(axes.xaxis)
        axes.set_xlabel("RMSE of the MEP (kcal/mol/e)")
        _add_legend(figure, axes, frame, handlelength=MARK_HANDLE)


def _read(table: Path, by: str, names: Sequence[str]) -> pd.DataFrame:
    frame = read_csv(table, dtype={SINGLE_VALUES: str})
    wanted = (frame["by"] == by) & frame["representation"].isin(names)
    if missing := set(names) - set(frame["representation"][wanted]):
        raise InputError(f"{table} holds no errors of {min(missing)} by {by}: make it again.")
    enough = wanted & (frame["n_molecules"] >= _FEWEST_DRAWN)
    return frame[enough if enough.any() else wanted]


def _draw_marks(
    axes: Axes, name: str, look: Appearance, places: np.ndarray, errors: pd.DataFrame
) -> None:
    axes.hlines(places, errors[_LOW], errors[_HIGH], color=look.colour, linewidth=1.0)
    single = errors[SINGLE_VALUES].notna().to_numpy()
    medians = errors[_MEDIAN].where(~single)
    draw_marks(axes, medians, places, look, label=representation_label(name))
    for place, values in zip(places[single], errors[SINGLE_VALUES][single], strict=True):
        numbers = [float(value) for value in values.split()]
        draw_singles(axes, numbers, [place] * len(numbers), look)


def _label(frame: pd.DataFrame, part: str) -> str:
    """Return what a part is called, with its molecules (of the representation that has most)."""
    count = frame.loc[frame["part"] == part, "n_molecules"].max()
    return f"{part} ({count:,})"


def _legend_height(entries: int, columns: int = _LEGEND_COLUMNS) -> float:
    return _LEGEND_ROW_HEIGHT * (-(-entries // columns) + 1)


def _add_legend(
    figure: Figure,
    axes: Axes,
    frame: pd.DataFrame,
    more: Sequence[Patch] = (),
    handlelength: float | None = None,
    columns: int = _LEGEND_COLUMNS,
) -> None:
    """Add a legend above the axes, headed by the size of the test set."""
    handles = [*axes.get_legend_handles_labels()[0], *more]
    size = size_text(*frame[["n_structures", "n_molecules"]].max().astype(int))
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=columns,
        title=size,
        handlelength=handlelength,
    )

"""Figures of where the MEP is wrong: by distance, by nearest element, by kind of molecule."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from mepflow.errors import InputError
from mepflow.evaluation.breakdown import DISTANCE, ELEMENT, GROUP
from mepflow.naming import representation_label
from mepflow.plots.appearance import Appearance, Rows, appearances
from mepflow.plots.panels import log_axis
from mepflow.plots.style import BLACK, COLUMN_WIDTH, GREY, LIGHT_GREY, drawing
from mepflow.storage.csv_file import read_csv

_MEDIAN: Final = "median_rmse_kcal_per_mol_e"
_LOW: Final = "median_rmse_low_kcal_per_mol_e"
_HIGH: Final = "median_rmse_high_kcal_per_mol_e"
_AXES: Final = {ELEMENT: "nearest element", GROUP: "molecules"}
_FEWEST_STRUCTURES: Final = 2
"""Parts of fewer molecules are not drawn beside others: one says nothing of a kind."""
_DISTANCE_HEIGHT: Final = 2.6
_ROW_HEIGHT: Final = 0.3
_MARGIN_HEIGHT: Final = 0.55
_LEGEND_ROW_HEIGHT: Final = 0.14
_LEGEND_COLUMNS: Final = 2
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
    height = _DISTANCE_HEIGHT + _legend_height(len(looks))
    with drawing(COLUMN_WIDTH, height, outputs, style) as figure:
        axes = figure.add_subplot()
        for name, look in looks.items():
            of_name = frame[frame["representation"] == name]
            axes.fill_between(
                of_name["order"], of_name[_LOW], of_name[_HIGH], color=look.colour, alpha=0.15, lw=0
            )
            axes.plot(
                of_name["order"],
                of_name[_MEDIAN],
                color=look.colour,
                marker=look.marker,
                linestyle=look.line,
                label=representation_label(name),
            )
        first = frame[frame["representation"] == next(iter(looks))]
        size = first["median_reference_rms_kcal_per_mol_e"]
        axes.plot(first["order"], size, color=GREY, linewidth=2.5, alpha=0.5, label="reference MEP")
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("distance from the van der Waals surface (Å)")
        axes.set_ylabel("median RMSE of the MEP (kcal/mol/e)")
        _add_legend(figure)


def _plot_parts(
    frame: pd.DataFrame,
    by: str,
    looks: Mapping[str, Appearance],
    outputs: Sequence[Path],
    style: str,
) -> None:
    """Draw a row of marks for each part; their lines are the 95 % intervals."""
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
        log_axis(axes)
        axes.set_xlabel("median RMSE of the MEP (kcal/mol/e)")
        _add_legend(figure)


def _read(table: Path, by: str, names: Sequence[str]) -> pd.DataFrame:
    frame = read_csv(table)
    wanted = (frame["by"] == by) & frame["representation"].isin(names)
    if missing := set(names) - set(frame["representation"][wanted]):
        raise InputError(f"{table} holds no errors of {min(missing)} by {by}: make it again.")
    enough = wanted & (frame["n_structures"] >= _FEWEST_STRUCTURES)
    return frame[enough if enough.any() else wanted]


def _draw_marks(
    axes: Axes, name: str, look: Appearance, places: np.ndarray, errors: pd.DataFrame
) -> None:
    axes.hlines(places, errors[_LOW], errors[_HIGH], color=look.colour, linewidth=1.0)
    axes.plot(
        errors[_MEDIAN],
        places,
        look.marker,
        color=look.colour,
        markeredgecolor=BLACK,
        markeredgewidth=0.4,
        label=representation_label(name),
    )


def _label(frame: pd.DataFrame, part: str) -> str:
    """Return what a part is called, with its molecules (of the representation that has most)."""
    count = frame.loc[frame["part"] == part, "n_structures"].max()
    return f"{part} ({count:,})"


def _legend_height(representations: int) -> float:
    return _LEGEND_ROW_HEIGHT * (representations // _LEGEND_COLUMNS + 1)


def _add_legend(figure: Figure) -> None:
    figure.legend(loc="outside upper center", ncols=_LEGEND_COLUMNS)

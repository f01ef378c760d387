"""Figure: the error of the mean of several seeds over what their spread let expect."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd
from matplotlib.axes import Axes

from mepflow.evaluation.calibration import QUANTITIES, Calibration, read_calibrations
from mepflow.naming import target_words
from mepflow.plots.log_axes import log_axis
from mepflow.plots.marks import size_text
from mepflow.plots.style import BLACK, GREY, drawing, picture_width
from mepflow.selection.splits import TEST, VALIDATION
from mepflow.storage.csv_file import read_csv

_ROW_HEIGHT: Final = 2.0
_MARGIN_HEIGHT: Final = 0.6
_SIZE: Final = 3.2


def plot_uncertainty(
    variants: Sequence[str],
    errors: Sequence[Path],
    calibrations: Sequence[Path],
    shown: Sequence[str],
    outputs: Sequence[Path],
    style: str = "default",
) -> None:
    """Draw a row of panels for the potential and one for the dipole, a column per shown variant.

    Files as in :func:`mepflow.tables.uncertainty_table.uncertainty_table`. Grey marks are the
    validation structures, which the expected errors were learned from. The solid line is where an
    error is the expected one, the dashed line the bound.
    """
    frames = {name: read_csv(path) for name, path in zip(variants, errors, strict=True)}
    known = {
        name: read_calibrations(path) for name, path in zip(variants, calibrations, strict=True)
    }
    rows = [
        quantity
        for quantity in QUANTITIES
        if any((frames[name]["quantity"] == quantity).any() for name in shown)
    ]
    height = _MARGIN_HEIGHT + _ROW_HEIGHT * len(rows)
    with drawing(picture_width(len(shown)), height, outputs, style) as figure:
        panels = figure.subplots(len(rows), len(shown), sharex="row", sharey="row", squeeze=False)
        for line, quantity in zip(panels, rows, strict=True):
            for axes, name in zip(line, shown, strict=True):
                frame = frames[name]
                of_quantity = frame[frame["quantity"] == quantity]
                _draw(axes, of_quantity, known[name][quantity])
                axes.set_xlabel(f"expected error ({QUANTITIES[quantity]})")
            line[0].set_ylabel(f"error of the {target_words(quantity)} ({QUANTITIES[quantity]})")
        for axes, name in zip(panels[0], shown, strict=True):
            axes.set_title(name)
        handles, labels = panels[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=2)


def _draw(axes: Axes, frame: pd.DataFrame, calibration: Calibration) -> None:
    expected = calibration.expected(frame["spread"].to_numpy())
    is_test = (frame["split"] == TEST).to_numpy()
    of_validation = (frame["split"] == VALIDATION).to_numpy()
    axes.plot(
        expected[of_validation],
        frame["error"][of_validation],
        "o",
        color=GREY,
        markersize=_SIZE - 1.0,
        label="validation",
    )
    test = frame[is_test]
    size = size_text(len(test), test["molecule"].nunique())
    axes.plot(expected[is_test], test["error"], "o", color=BLACK, markersize=_SIZE, label=size)
    for axis in (axes.xaxis, axes.yaxis):
        log_axis(axis, most=4)
    axes.axline((1.0, 1.0), (2.0, 2.0), color=BLACK, linewidth=0.7, label="expected")
    if not math.isnan(calibration.bound):
        bound = calibration.bound
        axes.axline(
            (1.0, bound), (2.0, 2.0 * bound), color=BLACK, linewidth=0.7, linestyle="--",
            label="bound for 95 %",
        )  # fmt: skip

"""Figure: losses and the errors of the targets in the course of the trainings."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from mepflow.errors import InputError
from mepflow.evaluation.sources import Source
from mepflow.models.targets import TARGETS
from mepflow.plots.appearance import Appearance, Rows, appearances, families
from mepflow.plots.panels import by_name
from mepflow.plots.style import BLACK, COLUMN_WIDTH, GREY, PAGE_WIDTH, drawing
from mepflow.storage.csv_file import read_csv

_LOSS: Final = ("train_loss", "validation_loss")
_HEIGHT: Final = 0.8
_PANEL_WIDTH, _PANEL_HEIGHT = 2.0, (5.2 - _HEIGHT) / 3.0


def plot_training_curves(
    sources: Sequence[Source], variants: Rows, outputs: Sequence[Path], style: str = "default"
) -> None:
    """Draw losses and validation errors against the step, a column per family of variants.

    ``sources`` are the training logs, a line per seed, of rows of ``variants``. A family has one
    loss function, so losses are comparable within a column only; the errors share their scale over
    the whole row. There is a row for each target whose errors any log has. Families without a
    variant are left out.

    Raises :class:`InputError` where a log is missing or lacks a column.
    """
    logs = {name: [_read(source) for source in files] for name, files in by_name(sources).items()}
    looks = appearances(variants)
    family_of = {name: family for name, family in families(variants).items() if name in logs}
    columns_of = {
        family: {name: looks[name] for name in logs if family_of[name] == family}
        for family in dict.fromkeys(family_of.values())
    }
    rows = _rows(log for of_name in logs.values() for log in of_name)
    width = min(PAGE_WIDTH, max(COLUMN_WIDTH, _PANEL_WIDTH * len(columns_of)))
    with drawing(width, _HEIGHT + _PANEL_HEIGHT * len(rows), outputs, style) as figure:
        grid = figure.subplots(len(rows), len(columns_of), sharex=True, squeeze=False)
        for row, (label, columns) in enumerate(rows.items()):
            for axes, drawn in zip(grid[row], columns_of.values(), strict=True):
                _draw_panel(axes, logs, drawn, columns)
            grid[row, 0].set_ylabel(label)
            if columns != _LOSS:
                _share_scale(grid[row])
        for axes, family in zip(grid[0], columns_of, strict=True):
            axes.set_title(f"trained on\n{family.label}", fontsize=7.0)
        for axes, drawn in zip(grid[-1], columns_of.values(), strict=True):
            axes.set_xlabel("step")
            handles = [_handle(name, look) for name, look in drawn.items()]
            axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.32))
        kinds = [
            Line2D([], [], color=GREY, linewidth=0.7, alpha=0.6, label="training"),
            Line2D([], [], color=BLACK, label="validation"),
        ]
        grid[0, 0].legend(handles=kinds, loc="lower left")


def _rows(logs: Iterable[pd.DataFrame]) -> dict[str, Sequence[str]]:
    """Return the columns that each row of panels shows, by its label."""
    present = {column for log in logs for column in log}
    errors = {target: target.error_columns()[1] for target in TARGETS.values()}
    return {"loss (atomic units)": _LOSS} | {
        f"validation RMSE of {target.symbol}\n({target.unit_label})": (column,)
        for target, column in errors.items()
        if column in present
    }


def _read(source: Source) -> pd.DataFrame:
    log = read_csv(source.path)
    missing = [name for name in ("step", *_LOSS) if name not in log]
    if missing:
        raise InputError(f"{source.path} lacks the column {missing[0]}: train the model again.")
    return log[log["step"] > 0]  # Step 0 has no place on a logarithmic axis.


def _draw_panel(
    axes: Axes,
    logs: dict[str, list[pd.DataFrame]],
    drawn: dict[str, Appearance],
    columns: Sequence[str],
) -> None:
    for name, look in drawn.items():
        for log in logs[name]:
            for column in (column for column in columns if column in log):
                curve = log[["step", column]].dropna()
                training = column == "train_loss"
                axes.plot(
                    curve["step"],
                    curve[column],
                    color=look.colour,
                    linestyle="solid" if training else look.line,
                    linewidth=0.5 if training else 1.0,
                    alpha=0.5 if training else 1.0,
                )
    axes.set_xscale("log")
    axes.set_yscale("log")


def _share_scale(row: Sequence[Axes]) -> None:
    """Give the panels of a row one scale, written at the first one only."""
    limits = [axes.get_ylim() for axes in row if axes.has_data()]
    for axes in row:
        axes.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))
        axes.yaxis.set_tick_params(which="both", labelleft=axes is row[0])


def _handle(name: str, look: Appearance) -> Line2D:
    return Line2D([], [], color=look.colour, linestyle=look.line, label=name)

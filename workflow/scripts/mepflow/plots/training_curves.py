"""Figure: losses and the errors of the targets in the course of the trainings."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from mepflow.errors import InputError
from mepflow.evaluation.sources import Source
from mepflow.models.targets import POTENTIAL, TARGETS
from mepflow.plots.appearance import Appearance, Rows, appearances, families
from mepflow.plots.log_axes import log_axis
from mepflow.plots.panels import by_name
from mepflow.plots.style import BLACK, COLUMN_WIDTH, GREY, PAGE_WIDTH, drawing
from mepflow.storage.csv_file import read_csv

_LOSS: Final = ("train_loss", "validation_loss")
_STEP_MARGIN_HEIGHT: Final = 1.0
_PANEL_HEIGHT: Final = 1.45
_TICKS: Final = 5
_STEP_TICKS: Final = 3
_TITLE_WIDTH: Final = 21
"""Characters of a line in a title: a column of five has no room for more."""
_THIN: Final = 0.6
_RING: Final[dict[str, Any]] = {
    "marker": "o",
    "markersize": 5.0,
    "mfc": "none",
    "mew": 0.9,
    "clip_on": False,
}


def plot_training_curves(
    sources: Sequence[Source], variants: Rows, outputs: Sequence[Path], style: str = "default"
) -> None:
    """Draw losses and validation errors against the step, a column per family of variants.

    ``sources`` are the training logs, a line per seed, of rows of ``variants``. A family has one
    loss function, so losses are comparable within a column only; the errors share their scale over
    the whole row. There is a row for each target whose errors any log has. Families without a
    variant are left out. A ring marks the step whose weights were kept: that of the smallest
    validation loss.

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
    width = COLUMN_WIDTH if len(columns_of) == 1 else PAGE_WIDTH
    height = _STEP_MARGIN_HEIGHT + _PANEL_HEIGHT * len(rows)
    with drawing(width, height, outputs, style) as figure:
        grid = figure.subplots(len(rows), len(columns_of), sharex=True, squeeze=False)
        for row, (label, columns) in enumerate(rows.items()):
            for axes, drawn in zip(grid[row], columns_of.values(), strict=True):
                _draw_panel(axes, logs, drawn, columns)
            grid[row, 0].set_ylabel(label)
            if columns != _LOSS:
                _share_scale(grid[row])
        for axes, family in zip(grid[0], columns_of, strict=True):
            axes.set_title(f"trained on\n{fill(family.label, _TITLE_WIDTH)}", fontsize=6.5)
        for axes, drawn in zip(grid[-1], columns_of.values(), strict=True):
            axes.set_xlabel("step")
            handles = [_handle(name, look) for name, look in drawn.items()]
            axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.32))
        figure.legend(handles=_kinds(), loc="outside upper center", ncols=3)


def _rows(logs: Iterable[pd.DataFrame]) -> dict[str, Sequence[str]]:
    """Return the columns that each row of panels shows, by its label."""
    present = {column for log in logs for column in log}
    errors = {target: target.error_columns()[1] for target in TARGETS.values()}
    # A loss adds squares of each target's unit: atomic units but for the potential.
    has_potential = errors[TARGETS[POTENTIAL]] in present
    label = "loss (a.u.; V: kcal/mol/e)" if has_potential else "loss (atomic units)"
    return {label: _LOSS} | {
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
                    linestyle=look.line,
                    linewidth=_THIN if training else 1.0,
                    alpha=0.6 if training else 1.0,
                )
                if not training:
                    _draw_kept(axes, log, column, look)
    if not axes.has_data():
        axes.text(0.5, 0.5, "not learned", transform=axes.transAxes, color=GREY, ha="center")
    log_axis(axes.xaxis, _STEP_TICKS)
    log_axis(axes.yaxis, _TICKS)


def _draw_kept(axes: Axes, log: pd.DataFrame, column: str, look: Appearance) -> None:
    """Draw a ring at the step with the smallest validation loss."""
    losses = log["validation_loss"]
    if losses.notna().any():
        kept = int(losses.argmin())
        axes.plot(log["step"].iloc[kept], log[column].iloc[kept], mec=look.colour, **_RING)


def _kinds() -> list[Line2D]:
    """Return the handles of what all panels have in common."""
    return [
        Line2D([], [], color=GREY, linewidth=_THIN, alpha=0.6, label="training"),
        Line2D([], [], color=BLACK, label="validation"),
        Line2D([], [], mec=BLACK, label="weights kept", linestyle="none", **_RING),
    ]


def _share_scale(row: Sequence[Axes]) -> None:
    """Give the panels of a row one scale, written at the first one only."""
    limits = [axes.get_ylim() for axes in row if axes.has_data()]
    for axes in row:
        axes.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))
        axes.yaxis.set_tick_params(which="both", labelleft=axes is row[0])


def _handle(name: str, look: Appearance) -> Line2D:
    return Line2D([], [], color=look.colour, linestyle=look.line, label=name)

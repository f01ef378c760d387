"""Figure: the MEP error by distance from the surface, without and with penetration."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd
from matplotlib.patches import Patch

from mepflow.errors import InputError
from mepflow.evaluation.distance_errors import ALONE
from mepflow.evaluation.mep_errors import WITH_PENETRATION
from mepflow.evaluation.statistics import FEWEST_MOLECULES, median_columns
from mepflow.plots.appearance import Rows, appearances
from mepflow.plots.distance_curves import DISTANCE_LABEL, draw_distance_curves
from mepflow.plots.marks import size_text
from mepflow.plots.style import GREY, PAGE_WIDTH, drawing
from mepflow.storage.csv_file import read_csv

_PANELS: Final = {ALONE: "points alone", WITH_PENETRATION: "with penetration"}
_HEIGHT: Final = 3.2
_LEGEND_COLUMNS: Final = 3


def plot_mep_distance(
    table: Path,
    names: Sequence[str],
    variants: Rows,
    outputs: Sequence[Path],
    style: str = "default",
) -> None:
    """Draw the median errors of representations ``names`` over the distance.

    ``table`` is the CSV file of :func:`mepflow.tables.distance_table.write_distance_table`;
    ``names`` are of baselines or rows of ``variants``. Where nothing has a width, there is no panel
    with penetration. Bins of too few molecules for an interval are left out where others have more.
    Raises :class:`InputError` where the table lacks one of the representations.
    """
    frame = _read(table, names)
    known = appearances(variants)
    looks = {name: known[name] for name in names}
    panels_of = {title: median_columns(column) for column, title in _PANELS.items()}
    shown = {title: ones for title, ones in panels_of.items() if frame[ones[0]].notna().any()}
    with drawing(PAGE_WIDTH, _HEIGHT, outputs, style) as figure:
        panels = figure.subplots(1, len(shown), sharex=True, sharey=True, squeeze=False)[0]
        for axes, (title, columns) in zip(panels, shown.items(), strict=True):
            draw_distance_curves(axes, frame.dropna(subset=columns[0]), looks, *columns)
            axes.set(title=title, xlabel="")
        panels[0].set_ylabel("median RMSE of the MEP (kcal/mol/e)")
        figure.supxlabel(DISTANCE_LABEL, fontsize=7.5)
        handles = panels[0].get_legend_handles_labels()[0]
        if frame[median_columns(ALONE)[1]].notna().any():
            handles.append(Patch(color=GREY, alpha=0.3, lw=0, label="95 % interval"))
        figure.legend(
            handles=handles,
            loc="outside upper center",
            ncols=_LEGEND_COLUMNS,
            title=size_text(*frame[["n_structures", "n_molecules"]].max().astype(int)),
        )


def _read(table: Path, names: Sequence[str]) -> pd.DataFrame:
    frame = read_csv(table)
    if missing := set(names) - set(frame["representation"]):
        raise InputError(f"{table} holds no errors of {min(missing)}: make it again.")
    frame = frame[frame["representation"].isin(names)]
    # A bin of few molecules is about other molecules than its neighbours: a curve would jump there.
    enough = frame["n_molecules"] >= FEWEST_MOLECULES
    return frame[enough] if enough.any() else frame

"""Figure: gain, error of the potential and right directions over the weight of the charges."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from mepflow.naming import representation_label
from mepflow.plots.appearance import Appearance, Rows, appearances
from mepflow.plots.log_axes import log_axis
from mepflow.plots.marks import draw_marks, size_text
from mepflow.plots.style import BLACK, GREY, PAGE_WIDTH, drawing
from mepflow.storage.csv_file import read_csv

_HEIGHT: Final = 3.4
_GAIN: Final = "dipole_norm_gain_percent"
_MEP: Final = "median_mep_rmse_kcal_per_mol_e"
_SHARE: Final = "share_right"
_LOWEST: Final = "share_right_lowest_seed"
_TEXTS: Final = ("learned", "charges_like")
"""Columns in which an empty cell is an empty text."""
_LEVELS: Final = ("mulliken", "fitted-charges")
"""Baselines whose potential is drawn as a level, where the run has them."""
_MOSTLY: Final = 0.95
"""The mark of a potential is crossed out where fewer dipoles of a seed point the right way."""
_FEWEST: Final = 2
"""Points that a line joins at least."""
_APART: Final = 0.09
"""Decades between two variants of the same weight: their intervals must not hide another."""


def plot_auxiliary_weights(
    table: Path, variants: Rows, outputs: Sequence[Path], style: str = "default"
) -> None:
    """Draw three panels over the weight w of the charges, with w = 0 at the left end.

    ``table`` is the CSV file of :func:`mepflow.tables.auxiliary_table.write_auxiliary_table` of
    these ``variants``; the largest training set of each counts. Grey lines join variants that
    learn the same with the same charges. Charges alone, which have no weight, are left out.
    """
    frame = read_csv(table)
    frame[list(_TEXTS)] = frame[list(_TEXTS)].fillna("")
    trained = frame[frame["charges_weight"].notna()]
    largest = trained.groupby("representation")["n_training"].transform("max")
    trained = _with_places(trained[trained["n_training"] == largest])
    looks = appearances(variants)
    with drawing(PAGE_WIDTH, _HEIGHT, outputs, style) as figure:
        gains, potentials, shares = figure.subplots(1, 3)
        _draw(gains, trained.dropna(subset=_GAIN), looks, _GAIN, (f"{_GAIN}_low", f"{_GAIN}_high"))
        gains.axhline(0.0, color=BLACK, linewidth=0.5)
        gains.set_ylabel("gain in the error of |μ| (%)")
        _draw(potentials, trained, looks, _MEP, (f"{_MEP}_low", f"{_MEP}_high"))
        _cross_out(potentials, trained)
        _draw_levels(potentials, frame, looks)
        log_axis(potentials.yaxis)
        potentials.set_ylabel("median RMSE of the MEP (kcal/mol/e)")
        _draw(shares, trained, looks, _SHARE, (_LOWEST, _SHARE))
        shares.set_ylim(-0.04, 1.04)
        shares.set_ylabel("share of dipoles that point the right way")
        for axes in (gains, potentials, shares):
            _weight_axis(axes, trained)
        handles, labels = potentials.get_legend_handles_labels()
        size = size_text(*trained[["n_structures", "n_molecules"]].max().astype(int))
        figure.legend(handles, labels, loc="outside upper center", ncols=5, title=size)


def _with_places(trained: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with their places on the axis: log w, and for w = 0 a decade below the rest.

    Rows of the same weight stand beside each other.
    """
    weights = trained["charges_weight"]
    zero = np.log10(weights[weights > 0].min()) - 1.0 if (weights > 0).any() else 0.0
    exponent = np.log10(weights.where(weights > 0)).fillna(zero)
    rank = trained.groupby("charges_weight").cumcount()
    count = trained.groupby("charges_weight")["representation"].transform("size")
    place = exponent + _APART * (rank - 0.5 * (count - 1))
    return trained.assign(place=place, exponent=exponent)


def _draw(
    axes: Axes,
    trained: pd.DataFrame,
    looks: Mapping[str, Appearance],
    column: str,
    ends: tuple[str, str],
) -> None:
    """Draw the marks of a column with their intervals, and the lines that join them."""
    for (learned, scheme), of_line in trained.groupby(["learned", "charges_like"]):
        base = trained[(trained["learned"] == learned) & (trained["charges_weight"] == 0)]
        line = pd.concat([base, of_line]) if scheme else of_line
        if len(line) < _FEWEST:
            continue
        line = line.sort_values("place")
        axes.plot(line["place"], line[column], color=GREY, linewidth=0.6, zorder=1)
    names = ["place", column, *ends]
    for name, numbers in zip(trained["representation"], trained[names].to_numpy(), strict=True):
        place, value, low, high = map(float, numbers)
        axes.vlines(place, low, high, color=looks[name].colour, linewidth=1.0)
        draw_marks(axes, place, value, looks[name], label=representation_label(name))


def _cross_out(axes: Axes, trained: pd.DataFrame) -> None:
    """Cross out the potentials of models with dipoles that point the wrong way."""
    wrong = trained[trained[_LOWEST] < _MOSTLY]
    axes.plot(
        wrong["place"],
        wrong[_MEP],
        "x",
        color=BLACK,
        markersize=7.0,
        zorder=4,
        label="wrong directions" if len(wrong) else None,
    )


def _draw_levels(axes: Axes, frame: pd.DataFrame, looks: Mapping[str, Appearance]) -> None:
    for name in _LEVELS:
        for level in frame.loc[frame["representation"] == name, _MEP]:
            look, label = looks[name], representation_label(name)
            axes.axhline(level, color=look.colour, linestyle=look.line, linewidth=0.7, label=label)


def _weight_axis(axes: Axes, trained: pd.DataFrame) -> None:
    """Label the axis with the weights that there are."""
    ticks = trained.drop_duplicates("charges_weight").sort_values("exponent")
    axes.xaxis.set_major_locator(FixedLocator(list(ticks["exponent"])))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{w:g}" for w in ticks["charges_weight"]]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(ticks["exponent"].min() - 0.4, ticks["exponent"].max() + 0.4)
    axes.set_xlabel("weight w of the charges")

"""The first numbers of the page: the best model of each dataset between its floors and Mulliken."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from mepflow.errors import InputError
from mepflow.naming import FLOORS, grid_label, representation_label
from mepflow.storage.csv_file import read_csv

_MEDIAN: Final = "median_rmse_kcal_per_mol_e"
_LOW: Final = "median_rmse_low_kcal_per_mol_e"
_HIGH: Final = "median_rmse_high_kcal_per_mol_e"
_NEEDED: Final = ("grid", "representation", "kind", "n_structures", _MEDIAN, _LOW, _HIGH)


@dataclass(frozen=True)
class Bar:
    """One representation: its label, median RMSE with its 95 % interval (kcal/mol/e), its role."""

    label: str
    median: float
    low: float
    high: float
    role: str


@dataclass(frozen=True)
class Headline:
    """The errors on one dataset's headline grid: best model and baselines, smallest first."""

    dataset: str
    grid: str
    n_structures: int
    n_models: int
    best: Bar
    bars: list[Bar]

    @property
    def end(self) -> float:
        """Return the end of an axis that holds every bar and interval."""
        return max(max(bar.median, bar.high) for bar in self.bars)


def headline(dataset: str, settings: Mapping[str, Any], table: Path) -> Headline:
    """Return the headline of a dataset from its table of MEP errors (CSV).

    Raises :class:`InputError` where the file is missing or holds no model on the headline grid.
    """
    frame = read_csv(table)
    grid = settings["headline_grid"]
    if missing := [name for name in _NEEDED if name not in frame.columns]:
        raise InputError(f"{table} has no column {missing[0]}: delete it and run again.")
    frame = frame[frame["grid"] == grid].sort_values(_MEDIAN, kind="stable")
    models = frame[frame["kind"] == "model"]
    if models.empty:
        raise InputError(f"{table} holds no model on the grid {grid!r}: delete it and run again.")
    best = str(models["representation"].iloc[0])
    shown = frame[(frame["kind"] != "model") | (frame["representation"] == best)]
    bars = [_bar(row, best) for row in shown.to_dict("records")]
    return Headline(
        dataset,
        grid_label(grid),
        int(models["n_structures"].iloc[0]),
        len(models),
        next(bar for bar in bars if bar.role == "model"),
        bars,
    )


def _bar(row: Mapping[Any, Any], best: str) -> Bar:
    name = str(row["representation"])
    role = "model" if name == best else "floor" if name in FLOORS else "baseline"
    # A single structure has no interval.
    low, high = (row[_MEDIAN] if pd.isna(row[end]) else row[end] for end in (_LOW, _HIGH))
    return Bar(representation_label(name), float(row[_MEDIAN]), float(low), float(high), role)

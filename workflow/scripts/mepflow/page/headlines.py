"""The first numbers of the page: a dataset's models between baselines, and what tells them apart.

The variant put forward is the one with the smallest errors on the validation molecules, so that
the test molecules judge it without having chosen it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pandas as pd

from mepflow.errors import InputError
from mepflow.evaluation.paired_differences import difference_of
from mepflow.naming import FLOORS, grid_words, representation_label
from mepflow.runs.plan import DatasetFiles
from mepflow.selection.splits import TEST, TRAIN, VALIDATION, read_splits
from mepflow.selection.verdicts import KEPT, read_verdicts
from mepflow.storage.csv_file import read_csv
from mepflow.tables.writing import seeds_text

_MEDIAN: Final = "median_rmse_kcal_per_mol_e"
_LOW: Final = "median_rmse_low_kcal_per_mol_e"
_HIGH: Final = "median_rmse_high_kcal_per_mol_e"
_CHOICE: Final = "validation_error"
_RELATIVE: Final = "median_relative_rmse"
_NEEDED: Final = (
    "grid",
    "representation",
    "kind",
    "n_structures",
    "n_molecules",
    "n_seeds",
    *(_MEDIAN, _LOW, _HIGH, _CHOICE, _RELATIVE),
)


@dataclass(frozen=True)
class Bar:
    """One representation: name, label, median RMSE with its 95 % interval (kcal/mol/e), and role.

    The role is ``chosen``, ``model``, ``floor`` or ``baseline``.
    """

    name: str
    label: str
    median: float
    low: float
    high: float
    role: str


@dataclass(frozen=True)
class Headline:
    """The errors on a dataset's headline grid, smallest first, and sentences on what was found.

    ``preferred`` names the variants in the order of their errors on the validation molecules.
    """

    dataset: str
    grid: str
    n_structures: int
    n_molecules: int
    n_models: int
    seeds: str
    chosen: Bar
    preferred: Sequence[str]
    bars: Sequence[Bar]
    findings: Sequence[str]

    @property
    def end(self) -> float:
        """Return the end of an axis that holds every bar and interval."""
        return max(max(bar.median, bar.high) for bar in self.bars)

    @property
    def has_floors(self) -> bool:
        """Tell whether one of the bars is a floor."""
        return any(bar.role == "floor" for bar in self.bars)


def headline(
    files: DatasetFiles, settings: Mapping[str, Any], compared: Sequence[str], results: Path
) -> Headline | None:
    """Return the headline of a dataset from its files, None where the run has no MEP errors.

    ``compared`` are the variants that are shown beside the chosen one, and each of which is
    compared with the one before it. Raises :class:`InputError` where a file is missing or holds no
    model on the headline grid.
    """
    if files.table is None or files.differences is None:
        return None
    grid = settings["headline_grid"]
    frame = _on_grid(results / files.table, grid)
    pairs = read_csv(results / files.differences)
    models = frame[frame["kind"] == "model"]
    preferred = models.sort_values(_CHOICE, kind="stable")["representation"].tolist()
    chosen = preferred[0]
    shown = frame[(frame["kind"] != "model") | frame["representation"].isin([chosen, *compared])]
    bars = [_bar(row, chosen) for row in shown.to_dict("records")]
    names = [name for name in compared if (models["representation"] == name).any()]
    return Headline(
        files.dataset,
        grid_words(grid),
        int(models["n_structures"].iloc[0]),
        int(models["n_molecules"].iloc[0]),
        len(models),
        seeds_text(models["n_seeds"]),
        next(bar for bar in bars if bar.role == "chosen"),
        preferred,
        bars,
        [
            *(_comparison(pairs, new, old) for old, new in pairwise(names)),
            *_beside_others(pairs, chosen, list(models["representation"])),
            *_worse_than_nothing(models),
        ],
    )


def _on_grid(table: Path, grid: str) -> pd.DataFrame:
    frame = read_csv(table)
    if missing := [name for name in _NEEDED if name not in frame.columns]:
        raise InputError(f"{table} has no column {missing[0]}: delete it and run again.")
    frame = frame[frame["grid"] == grid].sort_values(_MEDIAN, kind="stable")
    if (frame["kind"] != "model").all():
        raise InputError(f"{table} holds no model on the grid {grid!r}: delete it and run again.")
    return frame


def _bar(row: Mapping[Any, Any], chosen: str) -> Bar:
    name = str(row["representation"])
    if row["kind"] == "model":
        role = "chosen" if name == chosen else "model"
    else:
        role = "floor" if name in FLOORS else "baseline"
    # Few molecules have no interval.
    low, high = (row[_MEDIAN] if pd.isna(row[end]) else row[end] for end in (_LOW, _HIGH))
    return Bar(name, representation_label(name), float(row[_MEDIAN]), float(low), float(high), role)


def split_sizes(verdicts: Path, splits: Path) -> dict[str, int]:
    """Return how many kept structures each part of the split has."""
    found = read_verdicts(verdicts)
    kept = set(found.loc[found["verdict"] == KEPT, "id"])
    parts = read_splits(splits)
    counts = parts.loc[parts["id"].isin(kept), "split"].value_counts()
    return {part: int(counts.get(part, 0)) for part in (TRAIN, VALIDATION, TEST)}


def _comparison(pairs: pd.DataFrame, new: str, old: str) -> str:
    """Return a sentence on the difference between two variants, and whether it is one."""
    mean, low, high = difference_of(pairs, new, old)
    if math.isnan(low):
        return f"The errors of {new} and {old} differ by {mean:.1f} kcal/mol/e on few molecules."
    if low <= 0.0 <= high:
        return (
            f"{new} and {old} are not told apart: their errors differ by"
            f" {_with_interval(mean, low, high)}."
        )
    if mean > 0.0:
        return _comparison(pairs, old, new)
    return f"{new} has a smaller error than {old}, by {_with_interval(-mean, -high, -low)}."


def _with_interval(mean: float, low: float, high: float) -> str:
    return f"{mean:.1f} [{low:.1f}, {high:.1f}] kcal/mol/e".replace("-", "−")


def _beside_others(pairs: pd.DataFrame, chosen: str, names: Sequence[str]) -> list[str]:
    """Return a sentence on which models are better, worse and not told apart from the chosen."""
    groups: dict[str, list[str]] = {"worse": [], "better": [], "alike": []}
    for name in names:
        if name == chosen:
            continue
        _, low, high = difference_of(pairs, name, chosen)
        groups["worse" if low > 0.0 else "better" if high < 0.0 else "alike"].append(name)
    count = len(names) - 1
    if not count:
        return []
    parts = [f"Its error is smaller than that of {len(groups['worse'])} of the {count} others"]
    if groups["better"]:
        parts.append(f"larger than that of {', '.join(sorted(groups['better']))}")
    if groups["alike"]:
        parts.append(f"not told apart from that of {', '.join(sorted(groups['alike']))}")
    return [f"{chosen} was chosen on the validation molecules. {'; '.join(parts)}."]


def _worse_than_nothing(models: pd.DataFrame) -> list[str]:
    """Return a sentence on models whose errors exceed the size of the potential itself."""
    names = sorted(models.loc[models[_RELATIVE] > 1.0, "representation"])
    if not names:
        return []
    return [f"Worse than no model (V = 0), in the median: {', '.join(names)}."]

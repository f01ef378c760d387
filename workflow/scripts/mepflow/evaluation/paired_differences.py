"""Differences between representations on the same molecules, with their bootstrap intervals.

Two representations are judged by the same molecules, some of which are hard for both. Their
difference is therefore taken molecule by molecule, and its interval is that of the mean over the
molecules: narrower, and fairer, than a look at whether two intervals overlap.
"""

from collections.abc import Hashable, Sequence
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from mepflow.evaluation.statistics import BOOTSTRAP_SAMPLES, CONFIDENCE, FEWEST_MOLECULES

FloatArray = npt.NDArray[np.float64]

DIFFERENCE: Final = (
    "mean_difference_kcal_per_mol_e",
    "mean_difference_low_kcal_per_mol_e",
    "mean_difference_high_kcal_per_mol_e",
)
"""Columns of a difference of errors of the MEP and of the ends of its interval."""
COLUMNS: Final = ("representation", "other", "n_molecules", *DIFFERENCE, "n_smaller")
_NUMBERS_AT_ONCE: Final = 4_000_000
"""Bounds the memory of a bootstrap over many molecules."""


def errors_by_molecule(errors: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the means of ``column`` over seeds and conformers: rows molecules, columns names.

    ``errors`` has the columns ``molecule``, ``name`` and ``column``. Representations stand in
    the order of their first rows; NaN where one does not cover a molecule.
    """
    means = errors.pivot_table(index="molecule", columns="name", values=column, aggfunc="mean")
    return means[list(dict.fromkeys(errors["name"]))]


def paired_differences(by_molecule: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Return a row for each pair of columns of a table of errors, rows of which are molecules.

    The table is in kcal/mol/e. :data:`DIFFERENCE` is the mean of ``representation`` minus ``other``
    over the molecules that both cover, with its 95 % percentile bootstrap interval over molecules
    (NaN for fewer than :data:`FEWEST_MOLECULES`); ``n_smaller`` is on how many of them
    ``representation`` has the smaller error.
    """
    pairs = list(combinations(by_molecule.columns, 2))
    values = {pair: (by_molecule[pair[0]] - by_molecule[pair[1]]).dropna() for pair in pairs}
    intervals: dict[tuple[Hashable, Hashable], tuple[float, float]] = {}
    for size in {len(of_pair) for of_pair in values.values()}:
        alike = [pair for pair in pairs if len(values[pair]) == size]
        stacked = np.array([values[pair] for pair in alike], dtype=float)
        ends = _mean_intervals(stacked, seed)
        intervals |= {pair: (low, high) for pair, (low, high) in zip(alike, ends, strict=True)}
    rows = [
        (*pair, len(of_pair), of_pair.mean(), *intervals[pair], int((of_pair < 0).sum()))
        for pair, of_pair in values.items()
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def difference_of(pairs: pd.DataFrame, one: str, other: str) -> tuple[float, float, float]:
    """Return the mean of ``one`` minus ``other`` and its interval from :func:`paired_differences`.

    A pair may stand in the table either way. Raises :class:`KeyError` where it does not.
    """
    for first, second, sign in ((one, other, 1.0), (other, one, -1.0)):
        rows = pairs[(pairs["representation"] == first) & (pairs["other"] == second)]
        if len(rows):
            mean, *ends = (sign * float(rows[name].iloc[0]) for name in DIFFERENCE)
            low, high = ends if sign > 0 else ends[::-1]
            return mean, low, high
    raise KeyError((one, other))


def _mean_intervals(values: FloatArray, seed: int) -> Sequence[tuple[float, float]]:
    """Return the intervals of the means of the rows of ``values`` (pairs, molecules)."""
    count = values.shape[1]
    if count < FEWEST_MOLECULES:
        return [(float("nan"), float("nan"))] * len(values)
    rng = np.random.default_rng(seed)
    batch = max(1, _NUMBERS_AT_ONCE // count)
    means = [
        values @ rng.multinomial(count, np.full(count, 1.0 / count), min(batch, left)).T / count
        for left in range(BOOTSTRAP_SAMPLES, 0, -batch)
    ]
    tail = 50.0 * (1.0 - CONFIDENCE)
    low, high = np.percentile(np.concatenate(means, axis=1), (tail, 100.0 - tail), axis=1)
    return list(zip(low.tolist(), high.tolist(), strict=True))

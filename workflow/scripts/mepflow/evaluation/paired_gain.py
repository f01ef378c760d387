"""By how much errors of one representation are smaller than those of another, in per cent.

Both were trained with the same seeds and judged by the same molecules, so the errors are paired.
The interval is of both kinds of chance: a bootstrap draws molecules and, apart from that, seeds,
the same ones for both representations. Of n seeds the drawn ones scatter less than new seeds would,
by the factor √(1 − 1/n): of few seeds the interval is somewhat too narrow.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from mepflow.errors import InputError
from mepflow.evaluation.sources import structures_by_seeds
from mepflow.evaluation.statistics import BOOTSTRAP_SAMPLES, CONFIDENCE, FEWEST_MOLECULES

FloatArray = npt.NDArray[np.float64]

FEWEST_SEEDS: Final = 3
"""Of fewer, drawing seeds says nothing about how trainings differ."""


class Estimate(NamedTuple):
    """A number and the ends of its 95 % interval, nan where there is none."""

    value: float
    low: float
    high: float


def molecules_by_seeds(errors: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return ``column`` of one representation: rows molecules, columns seeds.

    ``errors`` has the columns ``id``, ``molecule``, ``seed`` and ``column``; conformers of a
    molecule are averaged.
    """
    table = structures_by_seeds(errors, column)
    return table.groupby(level="molecule", sort=True).mean().sort_index(axis=1)


def mean_with_interval(errors: pd.DataFrame) -> Estimate:
    """Return the mean of a table of :func:`molecules_by_seeds` with its interval."""
    values = errors.to_numpy(dtype=float)
    return Estimate(float(values.mean()), *_interval(_drawn_means([values])[0], values.shape))


def gain(errors: pd.DataFrame, base: pd.DataFrame) -> Estimate:
    """Return 100 (1 − mean of ``errors`` / mean of ``base``) with its paired interval, in per cent.

    Both are tables of :func:`molecules_by_seeds`. Raises :class:`InputError` where they are of
    other molecules; seeds that only one of them has do not count. nan without a common seed.
    """
    if not errors.index.equals(base.index):
        raise InputError(
            "two representations were evaluated on different molecules: delete the results of both"
            " and run again."
        )
    seeds = errors.columns.intersection(base.columns)
    if seeds.empty:
        return Estimate(float("nan"), float("nan"), float("nan"))
    pair = [table[seeds].to_numpy(dtype=float) for table in (errors, base)]
    drawn, drawn_base = _drawn_means(pair)
    value = 100.0 * (1.0 - float(pair[0].mean() / pair[1].mean()))
    return Estimate(value, *_interval(100.0 * (1.0 - drawn / drawn_base), pair[0].shape))


def _drawn_means(tables: list[FloatArray], seed: int = 0) -> list[FloatArray]:
    """Return the means of drawn molecules and seeds, (B,) for each table (molecules, seeds)."""
    rng = np.random.default_rng(seed)
    weights = [
        rng.multinomial(count, np.full(count, 1.0 / count), BOOTSTRAP_SAMPLES) / count
        for count in tables[0].shape
    ]
    return [np.sum((weights[0] @ values) * weights[1], axis=1) for values in tables]


def _interval(drawn: FloatArray, shape: tuple[int, ...]) -> tuple[float, float]:
    n_molecules, n_seeds = shape
    if n_molecules < FEWEST_MOLECULES or n_seeds < FEWEST_SEEDS:
        return float("nan"), float("nan")
    tail = 50.0 * (1.0 - CONFIDENCE)
    low, high = np.percentile(drawn, (tail, 100.0 - tail))
    return float(low), float(high)

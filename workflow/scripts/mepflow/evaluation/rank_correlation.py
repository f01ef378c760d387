"""Spearman's rank correlation over structures, with its interval over molecules."""

from collections.abc import Hashable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from mepflow.evaluation.statistics import bootstrap_interval

FloatArray = npt.NDArray[np.float64]

SAMPLES: Final = 2_000
"""Samples of the bootstrap: ranks cost more than a median does, and the ends are read to 0.01."""


def rank_correlation(true: FloatArray, predicted: FloatArray) -> FloatArray:
    """Return Spearman's ρ (...) of arrays (..., m) over their last axis.

    Equal values have the mean of their ranks. NaN, which must stand at the same places in both,
    holds the place of no value. Of equal values alone it is 0: they tell no order.
    """
    first, second = (_centred_ranks(values) for values in (true, predicted))
    both = np.nansum(first * second, axis=-1)
    sizes = np.sqrt(np.nansum(first**2, axis=-1) * np.nansum(second**2, axis=-1))
    return np.asarray(np.divide(both, sizes, out=np.zeros_like(both), where=sizes > 0.0))


def _centred_ranks(values: FloatArray) -> FloatArray:
    missing = np.isnan(values)
    ranks = rankdata(np.where(missing, np.inf, values), axis=-1).astype(float)
    ranks[missing] = np.nan
    return np.asarray(ranks - np.nanmean(ranks, axis=-1, keepdims=True))


def mean_correlation(
    true: FloatArray, predicted: FloatArray, molecules: Sequence[Hashable], seed: int = 0
) -> tuple[float, float, float]:
    """Return the mean over models of ρ, and the ends of its 95 % bootstrap interval.

    ``true`` (m,) and ``predicted`` (m, k) of k models, ``molecules`` (m,) as in
    :func:`~mepflow.evaluation.statistics.bootstrap_interval`, of which are drawn the same for
    all models.
    """

    def statistic(rows: FloatArray, axis: int = -1) -> FloatArray:
        assert axis == -1
        return np.asarray(np.mean([_of_rows(true, one, rows) for one in predicted.T], axis=0))

    numbers = np.arange(len(true), dtype=float)
    low, high = bootstrap_interval(
        numbers, statistic, molecules=molecules, seed=seed, samples=SAMPLES
    )
    return float(statistic(numbers[None])[0]), low, high


def _of_rows(true: FloatArray, predicted: FloatArray, rows: FloatArray) -> FloatArray:
    """Return ρ (b,) over samples: numbers ``rows`` (b, m) of values, NaN for none."""
    missing = np.isnan(rows)
    places = np.where(missing, 0.0, rows).astype(int)
    drawn = (np.where(missing, np.nan, values[places]) for values in (true, predicted))
    return rank_correlation(*drawn)

"""From per-molecule errors to one row per representation: averages and their uncertainty.

A *representation* is a model variant or a baseline; a variant may have been trained with several
seeds. The errors of one molecule are first averaged over the seeds: what a model trained once is
expected to do for it. Medians and means are over the molecules. Their uncertainty has two parts,
given apart:

- over molecules: the 95 % percentile bootstrap interval, molecules drawn with replacement (all
  seeds of a molecule together) from a seeded generator;
- over seeds: the standard deviation of the medians of the single seeds (NaN for fewer than two).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from mepflow.evaluation.sources import molecules_by_seeds

FloatArray = npt.NDArray[np.float64]

CONFIDENCE: Final = 0.95
BOOTSTRAP_SAMPLES: Final = 10_000
_BATCH_NUMBERS: Final = 4_000_000
"""Numbers drawn at once: bounds the memory of a bootstrap over many molecules."""


def bootstrap_interval(
    values: FloatArray, statistic: Callable[..., Any] = np.median, *, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of ``statistic`` over ``values`` (m,).

    The same ``seed`` draws the same molecules for every array of the same length, so intervals of
    two representations can be compared. NaN where there are fewer than two values.
    """
    if len(values) < 2:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    batch = max(1, _BATCH_NUMBERS // len(values))
    drawn = [
        statistic(values[rng.integers(0, len(values), (min(batch, left), len(values)))], axis=-1)
        for left in range(BOOTSTRAP_SAMPLES, 0, -batch)
    ]
    tail = 50.0 * (1.0 - CONFIDENCE)
    low, high = np.percentile(np.concatenate(drawn), (tail, 100.0 - tail))
    return float(low), float(high)


@dataclass(frozen=True)
class Summary:
    """A representation's errors on one grid; units are those of the column they are of."""

    median: float
    median_low: float
    median_high: float
    mean: float
    mean_low: float
    mean_high: float
    seed_deviation: float
    n_molecules: int
    n_seeds: int


def summarize(errors: pd.DataFrame, column: str, *, seed: int = 0) -> Summary:
    """Return the statistics of ``column`` over the molecules and seeds of one representation.

    ``errors`` has the columns ``id``, ``seed`` and ``column``, a row per molecule and seed;
    ``seed`` is that of the bootstrap. Method: the module's docstring.
    """
    table = molecules_by_seeds(errors, column)
    per_molecule = table.mean(axis=1).to_numpy()
    medians = table.median(axis=0)
    return Summary(
        float(np.median(per_molecule)),
        *bootstrap_interval(per_molecule, np.median, seed=seed),
        float(np.mean(per_molecule)),
        *bootstrap_interval(per_molecule, np.mean, seed=seed),
        float(medians.std(ddof=1)) if len(medians) > 1 else float("nan"),
        *table.shape,
    )


def pooled_rmse(rmse: Iterable[float]) -> float:
    """Return the RMSE over all molecules of per-molecule RMSE with equally many components."""
    return float(np.sqrt(np.mean(np.square(np.fromiter(rmse, dtype=float)))))

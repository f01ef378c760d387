"""From errors of single structures to one row per representation: averages and their uncertainty.

A *representation* is a model variant or a baseline; a variant may have been trained with several
seeds. The errors of one structure are first averaged over the seeds: what a model trained once is
expected to do for it. Medians and means are over the structures. Their uncertainty has two parts,
given apart:

- over molecules: the 95 % percentile bootstrap interval. Molecules are drawn with replacement from
  a seeded generator, each with all its conformers and seeds: conformers of one molecule resemble
  each other, so they are no independent structures. Fewer than :data:`FEWEST_MOLECULES` have no
  interval;
- over seeds: the standard deviation of the medians of the single seeds (NaN for fewer than two).
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from mepflow.evaluation.sources import structures_by_seeds

FloatArray = npt.NDArray[np.float64]

CONFIDENCE: Final = 0.95
FEWEST_MOLECULES: Final = 6
"""Of fewer, no interval of the median from their own values alone can hold 95 %.

The widest, the range of n values, holds it with a probability of 1 − 2^(1 − n): 94 % for five.
"""
BOOTSTRAP_SAMPLES: Final = 10_000
_BATCH_NUMBERS: Final = 4_000_000
"""Numbers drawn at once: bounds the memory of a bootstrap over many molecules."""


def median(values: FloatArray, axis: int = -1) -> FloatArray:
    """Return the median over ``axis``, in which NaN holds the place of no value."""
    if not np.isnan(values).any():
        return np.asarray(np.median(values, axis=axis))
    ordered = np.moveaxis(np.sort(values, axis=axis), axis, -1)  # NaN comes last
    count = np.sum(~np.isnan(ordered), axis=-1, keepdims=True)
    middle = [
        np.take_along_axis(ordered, k, axis=-1)[..., 0] for k in ((count - 1) // 2, count // 2)
    ]
    return np.asarray(0.5 * (middle[0] + middle[1]))


def bootstrap_interval(
    values: FloatArray,
    statistic: Callable[..., Any] = median,
    *,
    molecules: Iterable[Hashable] | None = None,
    seed: int = 0,
    samples: int = BOOTSTRAP_SAMPLES,
) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of ``statistic`` over ``values`` (m,).

    ``molecules`` (m,) says which molecule each value is of; without it each is of its own. A
    statistic of molecules with unequally many values must pass over NaN. The same ``seed`` draws
    the same molecules for every array of the same molecules, so intervals of two representations
    can be compared. NaN where there are fewer than :data:`FEWEST_MOLECULES`.
    """
    rows = _by_molecule(values, molecules)
    if len(rows) < FEWEST_MOLECULES:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    batch = max(1, _BATCH_NUMBERS // rows.size)
    drawn = []
    for left in range(samples, 0, -batch):
        size = min(batch, left)
        sample = rows[rng.integers(0, len(rows), (size, len(rows)))]
        drawn.append(statistic(sample.reshape(size, -1), axis=-1))
    tail = 50.0 * (1.0 - CONFIDENCE)
    low, high = np.percentile(np.concatenate(drawn), (tail, 100.0 - tail))
    return float(low), float(high)


def _by_molecule(values: FloatArray, molecules: Iterable[Hashable] | None) -> FloatArray:
    """Return a row (g, k) per molecule with its values, filled up with NaN."""
    if molecules is None:
        return values[:, None]
    frame = pd.DataFrame({"molecule": list(molecules), "value": values})
    groups = frame.groupby("molecule", sort=False)
    which, place = groups.ngroup(), groups.cumcount()
    rows = np.full((which.max() + 1, place.max() + 1), np.nan)
    rows[which, place] = values
    return rows


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
    n_structures: int
    n_molecules: int
    n_seeds: int


def summarize(errors: pd.DataFrame, column: str, *, seed: int = 0) -> Summary:
    """Return the statistics of ``column`` over the structures and seeds of one representation.

    ``errors`` has the columns ``id``, ``molecule``, ``seed`` and ``column``, a row per structure
    and seed; ``seed`` is that of the bootstrap. Method: the module's docstring.
    """
    table = structures_by_seeds(errors, column)
    values = table.mean(axis=1).to_numpy()
    molecules = table.index.get_level_values("molecule")
    medians = table.median(axis=0)
    return Summary(
        float(np.median(values)),
        *bootstrap_interval(values, molecules=molecules, seed=seed),
        float(np.mean(values)),
        *bootstrap_interval(values, np.nanmean, molecules=molecules, seed=seed),
        float(medians.std(ddof=1)) if len(medians) > 1 else float("nan"),
        len(table),
        molecules.nunique(),
        table.shape[1],
    )


def median_columns(column: str) -> tuple[str, str, str]:
    """Return what tables call the median of a column of MEP errors and the ends of its interval."""
    median, low, high = (
        "median_" + column.replace("_kcal", f"{end}_kcal") for end in ("", "_low", "_high")
    )
    return median, low, high


def values_of_molecules(errors: pd.DataFrame, column: str) -> FloatArray:
    """Return ``column`` of one representation (g,): a molecule's mean over conformers and seeds."""
    over_seeds = structures_by_seeds(errors, column).mean(axis=1)
    return over_seeds.groupby("molecule", sort=True).mean().to_numpy()


def pooled_rmse(rmse: Iterable[float]) -> float:
    """Return the RMSE over all molecules of per-molecule RMSE with equally many components."""
    return float(np.sqrt(np.mean(np.square(np.fromiter(rmse, dtype=float)))))

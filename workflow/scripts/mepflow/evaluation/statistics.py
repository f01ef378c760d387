"""From per-molecule errors to one row per representation: averages and their uncertainty.

A *representation* is a model variant or a baseline; a variant may have been trained with several
seeds. The errors of one molecule are first averaged over the seeds: what a model trained once is
expected to do for it. Medians and means are over the molecules. Their uncertainty has two parts,
given apart:

- over molecules: the 95 % percentile bootstrap interval, molecules drawn with replacement (all
  seeds of a molecule together) from a seeded generator;
- over seeds: the standard deviation of the medians of the single seeds (NaN for fewer than two).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from mepflow.errors import InputError
from mepflow.evaluation.mbis import MBIS_BASELINES

FloatArray = npt.NDArray[np.float64]

CONFIDENCE: Final = 0.95
BOOTSTRAP_SAMPLES: Final = 10_000
_BATCH_NUMBERS: Final = 4_000_000
"""Numbers drawn at once: bounds the memory of a bootstrap over many molecules."""


@dataclass(frozen=True)
class Source:
    """A file of one representation: of one training (``seed``), or of a baseline (no seed)."""

    name: str
    seed: int | None
    path: Path

    @property
    def is_baseline(self) -> bool:
        """Tell whether nothing was trained."""
        return self.seed is None


def sources_of(paths: Iterable[str | Path]) -> list[Source]:
    """Return the sources of a run's files: ``…/{variant}/seed-{seed}/…`` or ``…/{baseline}/…``."""
    sources = []
    for path in map(Path, paths):
        folder = path.parent
        seed = folder.name.removeprefix("seed-")
        if seed != folder.name and seed.isdigit():
            sources.append(Source(folder.parent.name, int(seed), path))
        else:
            sources.append(Source(folder.name, None, path))
    return sources


def read_sources(sources: Sequence[Source]) -> pd.DataFrame:
    """Return the per-molecule CSV files joined, with the columns ``name`` and ``seed`` in front.

    A baseline's seed is −1. Raises :class:`InputError` where a file is missing.
    """
    frames = []
    for source in sources:
        try:
            # A converter, not a type: an id such as NA or 007 stays the text that it is.
            frame = pd.read_csv(source.path, converters={"id": str})
        except FileNotFoundError:
            raise InputError(f"{source.path} does not exist: run the rule that makes it.") from None
        frame.insert(0, "name", source.name)
        frame.insert(1, "seed", -1 if source.seed is None else source.seed)
        frames.append(frame)
    # The columns of an empty file have no type, and would take that of the others.
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled or frames, ignore_index=True)


def molecules_by_seeds(errors: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return ``column`` of one representation as a table: rows are molecules, columns are seeds.

    Raises :class:`InputError` where a seed lacks a molecule that another one has: their averages
    would be about different molecules.
    """
    sets = {frozenset(rows) for _, rows in errors.groupby("seed")["id"]}
    if len(sets) > 1:
        raise InputError(
            f"the seeds of {errors['name'].iloc[0]!s} were evaluated on different molecules: "
            "delete its results and run again."
        )
    # pivot refuses a molecule that is there twice; pivot_table would average it away.
    return errors.pivot(index="id", columns="seed", values=column)  # noqa: PD010


def require_same_molecules(errors: pd.DataFrame) -> None:
    """Raise :class:`InputError` where the representations are about different molecules.

    The MBIS baselines may cover fewer molecules than the others, but no other ones.
    """
    groups = errors.groupby("name", sort=False)["id"]
    sets = {str(name): frozenset(rows) for name, rows in groups}
    first = next((name for name in sets if name not in MBIS_BASELINES), next(iter(sets)))
    for name, rows in sets.items():
        fits = rows <= sets[first] if name in MBIS_BASELINES else rows == sets[first]
        if not fits:
            count = len(rows ^ sets[first])
            raise InputError(
                f"{first} and {name} were evaluated on different molecules ({count} are in one of "
                "them only): delete the results of both and run again."
            )


def shared_molecules(errors: pd.DataFrame) -> frozenset[str]:
    """Return the ids of the molecules that every representation was evaluated on."""
    sets = [frozenset(rows) for _, rows in errors.groupby("name")["id"]]
    return frozenset.intersection(*sets)


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

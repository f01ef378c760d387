"""Result files of representations (variants and baselines) and their per-molecule errors."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mepflow.errors import InputError
from mepflow.evaluation.mbis_baselines import PARTIAL_BASELINES
from mepflow.storage.csv_file import read_rows


@dataclass(frozen=True)
class Source:
    """A file of one representation: of one training (``seed``), or of a baseline (no seed)."""

    name: str
    seed: int | None
    path: Path

    @property
    def is_baseline(self) -> bool:
        """Tell whether the representation is a baseline, which has no training."""
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
    """Return the per-structure CSV files joined, with the columns ``name`` and ``seed`` in front.

    A baseline's seed is −1. Raises :class:`InputError` where a file is missing.
    """
    frames = []
    for source in sources:
        frame = read_rows(source.path)
        if "molecule" not in frame:
            # Files of 0.1.0 tell it by the id alone, MOLECULE:CONFORMER where there are conformers.
            frame.insert(1, "molecule", frame["id"].str.replace(r":\d+$", "", regex=True))
        frame.insert(0, "name", source.name)
        frame.insert(1, "seed", -1 if source.seed is None else source.seed)
        frames.append(frame)
    # The columns of an empty file have no type, and would take that of the others.
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled or frames, ignore_index=True)


def structures_by_seeds(errors: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return ``column`` of one representation as a table: rows are structures, columns are seeds.

    The index has the levels ``id`` and ``molecule``. Raises :class:`InputError` where a seed lacks
    a structure that another one has: their averages would be about different molecules.
    """
    sets = {frozenset(rows) for _, rows in errors.groupby("seed")["id"]}
    if len(sets) > 1:
        raise InputError(
            f"the seeds of {errors['name'].iloc[0]!s} were evaluated on different molecules: "
            "delete its results and run again."
        )
    # pivot refuses a structure that is there twice; pivot_table would average it away.
    return errors.pivot(index=["id", "molecule"], columns="seed", values=column)  # noqa: PD010


def require_same_molecules(errors: pd.DataFrame) -> None:
    """Raise :class:`InputError` where the representations are about different molecules.

    :data:`PARTIAL_BASELINES` may cover fewer molecules than the others, but no other ones.
    """
    groups = errors.groupby("name", sort=False)["id"]
    sets = {str(name): frozenset(rows) for name, rows in groups}
    first = next((name for name in sets if name not in PARTIAL_BASELINES), next(iter(sets)))
    for name, rows in sets.items():
        fits = rows <= sets[first] if name in PARTIAL_BASELINES else rows == sets[first]
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

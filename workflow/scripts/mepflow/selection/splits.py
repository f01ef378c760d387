"""Training, validation and test sets that depend on names and a seed, on nothing else.

Every molecule's name gets a pseudo-random rank, a hash of the seed and itself. The test set is the
lowest ranks, the validation set the lowest of a second, independent rank among the others. So the
order of the molecules does not matter, and a molecule more or less moves at most the one at each
boundary. Rows with the same name (conformers, stereoisomers) are one molecule and stay together: a
model must not be tested on molecules that it was trained on.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from mepflow.errors import ConfigError, InputError, StateError
from mepflow.storage.csv_file import read_csv, write_csv

IntArray = npt.NDArray[np.int64]

TRAIN: Final = "train"
VALIDATION: Final = "validation"
TEST: Final = "test"
SPLITS: Final = (TRAIN, VALIDATION, TEST)
UNUSED: Final = "unused"
"""Mark of training molecules that a part of the training set leaves out."""
COLUMNS: Final = ("id", "split", "showcase")


def make_splits(
    ids: Sequence[str],
    seed: int,
    test: int | float,
    validation_fraction: float,
    showcase: Collection[str] = (),
    molecules: Sequence[str] | None = None,
    sizes: Sequence[int] | None = None,
) -> pd.DataFrame:
    """Return one row per id, sorted: id, split (train, validation, test), showcase 0/1.

    ``molecules`` names the molecule of each id, whose rows are all in the same split; without it
    each id is a molecule. ``test`` is a number of molecules or, below 1, a fraction of all;
    ``validation_fraction`` is of the others, at least one molecule. ``showcase`` are ids, whose
    molecules are in the test set: they count towards its size, which grows where it could not hold
    them. Raises :class:`ConfigError` where a showcase id is not among ``ids`` or a size is out of
    range, :class:`InputError` where fewer than two molecules would be left to train on and to
    validate with. ``sizes`` are the numbers of atoms of the ids: where they are given, the test set
    is of the largest molecules, drawn among those of the size at its edge.
    """
    molecule_of = dict(zip(ids, ids if molecules is None else molecules, strict=True))
    if len(molecule_of) != len(ids):
        raise ValueError("ids are not unique")
    if missing := sorted(set(showcase) - set(molecule_of)):
        raise ConfigError(
            f"The showcase molecule {missing[0]} is not in the data set or did not pass its"
            " filters: correct split.showcase."
        )
    if not 0.0 <= validation_fraction < 1.0:
        raise ConfigError(f"split.validation_fraction is {validation_fraction}, not in [0, 1).")
    shown = {molecule_of[key] for key in showcase}
    names = sorted(set(molecule_of.values()))
    n_test = max(_test_size(test, len(names)), len(shown))
    if len(names) - n_test < 2:
        raise InputError(
            f"{len(names)} molecules are too few for a test set of {n_test}, one to train on and"
            " one to validate with: lower split.test or take a larger data set."
        )
    atoms = [0] * len(ids) if sizes is None else sizes
    size_of = dict(zip(molecule_of.values(), atoms, strict=True))
    ranked = sorted(
        names, key=lambda name: (name not in shown, -size_of[name], rank(seed, TEST, name))
    )
    rest = sorted(ranked[n_test:], key=lambda name: rank(seed, VALIDATION, name))
    n_validation = min(max(_rounded(validation_fraction * len(rest)), 1), len(rest) - 1)
    split_of = dict.fromkeys(names, TRAIN)
    split_of.update(dict.fromkeys(ranked[:n_test], TEST))
    split_of.update(dict.fromkeys(rest[:n_validation], VALIDATION))
    rows = [
        (key, split_of[name], int(key in showcase)) for key, name in sorted(molecule_of.items())
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def archive_splits(
    ids: Sequence[str],
    sets: Sequence[str],
    showcase: Collection[str] = (),
    molecules: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return the sets that an archive itself puts its molecules into, as :func:`make_splits` does.

    Raises :class:`InputError` where a set is unknown or empty, or one of ``molecules`` is in two of
    them, and :class:`ConfigError` where a ``showcase`` id is not in the test set.
    """
    set_of = dict(zip(ids, sets, strict=True))
    where: dict[str, str] = {}
    for name, key in sorted(zip(ids if molecules is None else molecules, ids, strict=True)):
        if set_of[key] not in SPLITS:
            raise InputError(
                f"The archive puts {key} into the set {set_of[key]!a}, not into"
                f" {', '.join(SPLITS)}: set split.from_archive to false."
            )
        if where.setdefault(name, set_of[key]) != set_of[key]:
            raise InputError(
                f"The archive puts {name} into the sets {where[name]} and {set_of[key]}: set"
                " split.from_archive to false."
            )
    for key in sorted(showcase):
        if set_of.get(key) != TEST:
            raise ConfigError(
                f"The showcase molecule {key} is not in the archive's test set or did not pass the"
                " filters: correct split.showcase."
            )
    rows = [(key, set_of[key], int(key in showcase)) for key in sorted(ids)]
    splits = pd.DataFrame(rows, columns=list(COLUMNS))
    if problem := _problem(splits):
        raise InputError(f"The archive's own split {problem}: set split.from_archive to false.")
    return splits


def write_splits(splits: pd.DataFrame, path: Path) -> None:
    """Write splits to a CSV file, atomically."""
    write_csv(splits, path)


def read_splits(path: Path, ids: Iterable[str] = ()) -> pd.DataFrame:
    """Read splits and check them; they must hold every molecule of ``ids`` (and may hold more).

    Raises :class:`InputError` where the file is not one of ours, :class:`StateError` where it
    lacks one of ``ids``: then it belongs to other data.
    """
    splits = read_csv(path, dtype={"id": str, "split": str}, keep_default_na=False)
    if problem := _problem(splits):
        raise InputError(f"{path} {problem}: delete it and run again.")
    if foreign := sorted(set(ids) - set(splits["id"])):
        raise StateError(f"{path} does not hold {foreign[0]}: make the splits of these data again.")
    return splits


def rows_in_split(ids: Sequence[str], path: Path, split: str) -> IntArray:
    """Return which of ``ids`` the file ``path`` puts into ``split``, as ascending indices.

    Molecules of the file that are not among ``ids`` were filtered out and do not matter. Raises
    what :func:`read_splits` raises, and :class:`InputError` where the set is empty.
    """
    split_of = read_splits(path, ids).set_index("id")["split"]
    rows = np.flatnonzero(split_of[list(ids)].to_numpy() == split)
    if not len(rows):
        raise InputError(
            f"{path} leaves no {split} molecule among the {len(ids)} with a reference: loosen the "
            "filters or change the sizes of the split."
        )
    return rows.astype(np.int64)


def _problem(splits: pd.DataFrame) -> str:
    if tuple(splits.columns) != COLUMNS:
        return f"has not the columns {', '.join(COLUMNS)}"
    if splits["id"].duplicated().any():
        return f"holds {splits['id'][splits['id'].duplicated()].iloc[0]} twice"
    if unknown := sorted(set(splits["split"]) - {*SPLITS, UNUSED}):
        return f"has the unknown split {unknown[0]!r}"
    if empty := [name for name in SPLITS if name not in set(splits["split"])]:
        return f"has no {empty[0]} molecule"
    if not splits["showcase"].isin([0, 1]).all():
        return "has a showcase column that is not 0 or 1"
    if (splits["split"][splits["showcase"] == 1] != TEST).any():
        return "has a showcase molecule outside the test set"
    return ""


def _test_size(test: int | float, n_molecules: int) -> int:
    if isinstance(test, bool) or not (0.0 < test < 1.0 if isinstance(test, float) else test > 0):
        raise ConfigError(
            f"split.test is {test}, not a number of molecules or a fraction between 0 and 1."
        )
    return max(_rounded(test * n_molecules), 1) if isinstance(test, float) else test


def _rounded(value: float) -> int:
    """Round half up, as people do; Python's round() takes 2.5 to 2."""
    return int(value + 0.5)


def rank(seed: int, purpose: str, name: str) -> str:
    """Return the pseudo-random rank of a name: one order for each seed and purpose."""
    return hashlib.sha256(f"{seed}/{purpose}/{name}".encode()).hexdigest()

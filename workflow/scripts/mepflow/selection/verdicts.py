"""Verdicts on molecules: kept, or rejected for one reason, and how they are counted.

A molecule may fail several filters. The one that counts is the first in the order of
:data:`REASONS`, so the counts of a table add up and the steps of a funnel are well defined.
Verdicts are a table (CSV) with the columns id, verdict (kept or rejected), reason, detail; a funnel
is one with the columns step, rejected, remaining.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from mepflow.errors import InputError
from mepflow.molecules import MoleculeTable
from mepflow.storage.csv_file import read_csv

logger = logging.getLogger(__name__)

IntArray = npt.NDArray[np.int64]
Filter = Callable[[IntArray], Mapping[int, str]]
"""Takes the rows that passed the filters before it; returns what is wrong with those that fail."""

KEPT: Final = "kept"
REJECTED: Final = "rejected"
COLUMNS: Final = ("id", "verdict", "reason", "detail")
FUNNEL_COLUMNS: Final = ("step", "rejected", "remaining")
ARCHIVE: Final = "archive"
"""First step of a funnel: nothing is rejected yet."""

UNREADABLE: Final = "unreadable_record"
REASONS: Final[dict[str, str]] = {
    # Before the reference calculation.
    UNREADABLE: "the archive's record breaks the format",
    "uncharacterized": "on the archive's list of molecules that changed when they were relaxed",
    "other_subset": "in a subset of the archive that is not among those of the configuration",
    "unsupported_element": "holds an element that is not among those of the configuration",
    "charged": "an ion",
    "open_shell": "has unpaired electrons",
    "several_molecules": "a complex or an ion pair",
    "too_large": "has more atoms than the configuration allows",
    "large_force": "a force of the archive is larger than the configuration allows",
    "inchi_changed": "the relaxed geometry has another InChI, stereochemistry aside",
    "smiles_changed": "the relaxed geometry has another SMILES, stereochemistry aside",
    "duplicate": "another record of the molecule has a lower energy",
    # After it.
    "scf_not_converged": "no converged reference calculation",
    "dipole_mismatch": "the reference dipole is not the archive's",
}
"""Every reason with its meaning, in the order in which they count."""


def judge(ids: Sequence[str], filters: Mapping[str, Filter]) -> pd.DataFrame:
    """Return the verdicts on all rows; ``filters`` by reason, in the order of REASONS."""
    if list(filters) != [reason for reason in REASONS if reason in filters]:
        raise ValueError("filters are not in the order of REASONS")
    passed = np.arange(len(ids))
    failed: dict[int, tuple[str, str]] = {}
    for reason, find in filters.items():
        details = find(passed)
        failed |= {row: (reason, detail) for row, detail in details.items()}
        passed = passed[~np.isin(passed, list(details))]
    rows = [
        (key, REJECTED, *failed[row]) if row in failed else (key, KEPT, "", "")
        for row, key in enumerate(ids)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def kept_rows(table: MoleculeTable, verdicts: pd.DataFrame, path: Path) -> list[int]:
    """Return the rows of kept molecules; logs the counts, and raises where there are none."""
    counts = Counter(verdicts.loc[verdicts["verdict"] == REJECTED, "reason"])
    text = ", ".join(f"{counts[reason]} {reason}" for reason in REASONS if counts[reason])
    kept = set(verdicts.loc[verdicts["verdict"] == KEPT, "id"])
    if not kept:
        raise InputError(
            f"No molecule of {path} passes the filters ({text or 'it is empty'}): check the filters"
            " of the configuration and that the archive is the right one."
        )
    logger.info("%d molecules kept of %d (%s)", len(kept), len(verdicts), text or "none rejected")
    return [row for row, key in enumerate(table.ids) if key in kept]


def repeated_ids(ids: Sequence[str]) -> list[str]:
    """Return the ids that occur more than once."""
    return sorted(key for key, count in Counter(ids).items() if count > 1)


def summarise(verdicts: pd.DataFrame, reasons: Sequence[str]) -> pd.DataFrame:
    """Return a row per reason of ``reasons``: reason, count, ids (keys separated by blanks).

    ``reasons`` are those that were looked for: a zero then says that none was found.
    """
    if unexpected := sorted(set(verdicts["reason"]) - {"", *reasons}):
        raise ValueError(f"verdicts have the reason {unexpected[0]}, which was not looked for")
    rows = []
    for reason in reasons:
        ids = sorted(verdicts.loc[verdicts["reason"] == reason, "id"])
        rows.append((reason, len(ids), " ".join(ids)))
    return pd.DataFrame(rows, columns=["reason", "count", "ids"])


def funnel(verdicts: pd.DataFrame, reasons: Sequence[str]) -> pd.DataFrame:
    """Return a row per step: step ("archive", then each of ``reasons``), rejected, remaining."""
    rejected = [0, *summarise(verdicts, reasons)["count"]]
    steps = [ARCHIVE, *reasons]
    remaining = len(verdicts) - np.cumsum(rejected)
    return pd.DataFrame(zip(steps, rejected, remaining, strict=True), columns=list(FUNNEL_COLUMNS))


def read_verdicts(path: Path) -> pd.DataFrame:
    """Read verdicts; raises :class:`InputError` where the file is not one of ours."""
    verdicts = read_texts(path, COLUMNS)
    is_rejected = verdicts["verdict"] == REJECTED
    fits = verdicts["reason"].isin(list(REASONS)) == is_rejected
    if not (fits.all() and verdicts["verdict"].isin([KEPT, REJECTED]).all()):
        raise InputError(f"{path} holds an unknown verdict or reason: delete it and run again.")
    if repeated := repeated_ids(list(verdicts["id"])):
        raise InputError(f"{path} holds {repeated[0]} twice: delete it and run again.")
    return verdicts


def read_funnel(path: Path) -> pd.DataFrame:
    """Read a funnel; raises :class:`InputError` where the file is not one of ours."""
    steps = read_texts(path, FUNNEL_COLUMNS)
    reasons = list(steps["step"])[1:]
    known = list(steps["step"])[:1] == [ARCHIVE] and set(reasons) <= set(REASONS)
    try:
        counts = steps[["rejected", "remaining"]].astype(np.int64)
    except ValueError:
        known = False
    if not known:
        raise InputError(f"{path} holds an unknown step or count: delete it and run again.")
    return steps[["step"]].join(counts)


def read_texts(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read a CSV file with exactly these columns as texts; raises :class:`InputError`."""
    frame = read_csv(path, dtype=str, keep_default_na=False)
    if list(frame.columns) != list(columns):
        raise InputError(
            f"{path} has not the columns {', '.join(columns)}: delete it and run again."
        )
    return frame

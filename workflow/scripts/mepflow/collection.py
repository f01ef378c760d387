"""The reference of a dataset: its shards joined, with the verdicts of the last filters."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mepflow.errors import StateError
from mepflow.filters import (
    KEPT,
    filter_after_reference,
    kept_rows,
    read_verdicts,
    repeated_ids,
    write_verdicts,
)
from mepflow.molecules import MoleculeTable


def collect_verdicts(
    shard_paths: Sequence[Path],
    candidate_verdicts_path: Path,
    dipole_tolerance_debye: float | None,
    reference_path: Path,
    verdicts_path: Path,
) -> None:
    """Join the reference shards, write the molecules that pass all filters and every verdict.

    ``candidate_verdicts_path`` is what :func:`select_candidates` wrote. Raises
    :class:`StateError` where the shards do not hold exactly its kept molecules, and
    :class:`InputError` where no molecule is left.
    """
    table = MoleculeTable.concatenate([MoleculeTable.load(path) for path in shard_paths])
    reference = table.sorted_by_id()
    before = read_verdicts(candidate_verdicts_path)
    after = filter_after_reference(reference, dipole_tolerance_debye)
    verdicts = merge_verdicts(before, after)
    kept = kept_rows(reference, verdicts, candidate_verdicts_path)
    write_verdicts(verdicts, verdicts_path)
    reference.select(kept).save(reference_path)


def merge_verdicts(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return the verdicts ``after`` on the molecules that ``before`` kept, and its other verdicts.

    Raises :class:`StateError` where ``after`` does not judge exactly those.
    """
    is_kept = before["verdict"] == KEPT
    expected, judged = set(before.loc[is_kept, "id"]), list(after["id"])
    if wrong := sorted(expected.symmetric_difference(judged)) or repeated_ids(judged):
        raise StateError(
            f"The reference shards are not those of the candidates ({wrong[0]} is missing, foreign"
            " or repeated): run the reference again."
        )
    return pd.concat([before[~is_kept], after]).sort_values("id", ignore_index=True)

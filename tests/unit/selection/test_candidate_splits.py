"""The split of candidates: made from their names, or the archive's own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mepflow.errors import ConfigError, InputError
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.selection.candidate_splits import split_candidates
from mepflow.selection.splits import make_splits, read_splits

IDS = ["d", "b", "a", "c"]
SETS = ["test", "train", "validation", "train"]
SPLIT: dict[str, Any] = {
    "seed": 1,
    "test": 1,
    "validation_fraction": 0.3,
    "showcase": [],
    "from_archive": True,
}


def split(folder: Path, changes: dict[str, Any] | None = None, **texts: list[str]) -> Any:
    molecules = [Molecule(key, np.array([8], np.uint8), np.zeros((1, 3))) for key in IDS]
    MoleculeTable.from_molecules(molecules).with_texts(**texts).save(folder / "candidates.h5")
    split_candidates(folder / "candidates.h5", SPLIT | (changes or {}), folder / "splits.csv")
    return read_splits(folder / "splits.csv", IDS)


def test_the_archives_own_sets(tmp_path: Path) -> None:
    found = split(tmp_path, {"showcase": ["d"]}, archive_split=SETS)
    assert list(found.itertuples(index=False, name=None)) == [
        ("a", "validation", 0),
        ("b", "train", 0),
        ("c", "train", 0),
        ("d", "test", 1),
    ]


def test_without_them_the_names_decide(tmp_path: Path) -> None:
    names = ["x", "x", "y", "z"]
    found = split(tmp_path, {"from_archive": False}, archive_split=SETS, molecule=names)
    assert found.equals(make_splits(IDS, 1, 1, 0.3, molecules=names))


def test_structures_of_one_molecule_can_be_drawn_apart(tmp_path: Path) -> None:
    changes = {"from_archive": False, "by": "structure"}
    found = split(tmp_path, changes, molecule=["x"] * 4)
    assert found.equals(make_splits(IDS, 1, 1, 0.3))
    with pytest.raises(InputError, match="1 molecules are too few"):
        split(tmp_path, {"from_archive": False}, molecule=["x"] * 4)


REFUSED: dict[str, tuple[type[Exception], str, dict[str, list[str]], dict[str, Any]]] = {
    "no sets": (ConfigError, "this archive has no split of its own", {}, {}),
    "unknown": (
        InputError,
        r"puts d into the set 'bench', not into train, validation, test",
        {"archive_split": ["bench", *SETS[1:]]},
        {},
    ),
    "leak": (
        InputError,
        "puts O into the sets validation and train",
        {"archive_split": SETS, "molecule": ["N", "O", "O", "C"]},
        {},
    ),
    "empty": (
        InputError,
        "own split has no validation molecule",
        {"archive_split": ["test", "train", "train", "train"]},
        {},
    ),
    "showcase": (
        ConfigError,
        "showcase molecule a is not in the archive's test set",
        {"archive_split": SETS},
        {"showcase": ["a"]},
    ),
}


@pytest.mark.parametrize(("error", "message", "texts", "changes"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_split_is_refused(
    tmp_path: Path, error: Any, message: str, texts: Any, changes: Any
) -> None:
    with pytest.raises(error, match=message):
        split(tmp_path, changes, **texts)
    assert not (tmp_path / "splits.csv").exists()

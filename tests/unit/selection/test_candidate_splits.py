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


def test_the_largest_molecules_can_be_the_test_set(tmp_path: Path) -> None:
    sizes = {"a": 5, "b": 3, "c": 4, "d": 4, "e": 2, "f": 5}
    molecules = [
        Molecule(key, np.full(size, 8, np.uint8), np.zeros((size, 3)))
        for key, size in sizes.items()
    ]
    names = ["a and f", "b", "c", "d", "e", "a and f"]
    MoleculeTable.from_molecules(molecules).with_texts(molecule=names).save(tmp_path / "in.h5")
    drawn = set()
    for seed in range(20):
        changes = {"from_archive": False, "by": "size", "test": 2, "seed": seed}
        split_candidates(tmp_path / "in.h5", SPLIT | changes, tmp_path / "splits.csv")
        found = read_splits(tmp_path / "splits.csv", list(sizes)).set_index("id")["split"]
        (at_the_edge,) = {"c", "d"} & set(found.index[found == "test"])
        assert set(found.index[found == "test"]) == {"a", "f", at_the_edge}
        drawn.add(at_the_edge)
    assert drawn == {"c", "d"}


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

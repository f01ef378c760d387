"""Parts of a training set: nested, with every element, conformers together."""

import numpy as np
import pandas as pd
import pytest

from mepflow.errors import InputError
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.selection.splits import read_splits, write_splits
from mepflow.selection.training_parts import thin_training_set, training_part

NAMES = [f"m{k:02d}" for k in range(40)]
IDS = [f"{name}:{conformer}" for name in NAMES for conformer in range(2)] + ["test:0", "val:0"]
SPLITS = pd.DataFrame(
    {"id": IDS, "split": ["train"] * 80 + ["test", "validation"], "showcase": [0] * 80 + [1, 0]}
)
MOLECULE_OF = {key: key.partition(":")[0] for key in IDS}
RARE = {"m33": 9, "m37": 9, "m21": 7}  # fluorine in two molecules, nitrogen in one
ELEMENTS_OF = {key: {1, 6, RARE.get(MOLECULE_OF[key], 1)} for key in IDS}


def used(fraction: float, seed: int = 1) -> set[str]:
    part = training_part(SPLITS, fraction, seed, MOLECULE_OF, ELEMENTS_OF)
    assert list(part["id"]) == IDS
    assert list(part["split"][80:]) == ["test", "validation"]
    return set(part.loc[part["split"] == "train", "id"])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_parts_are_nested_and_know_every_element(seed: int) -> None:
    quarter, half, whole = (used(fraction, seed) for fraction in (0.25, 0.5, 1.0))
    assert quarter < half < whole == set(IDS[:80])
    for part, size in ((quarter, 20), (half, 40)):
        assert len(part) == size
        assert set().union(*(ELEMENTS_OF[key] for key in part)) == {1, 6, 7, 9}
        names = {MOLECULE_OF[key] for key in part}
        assert part == {key for key in IDS if MOLECULE_OF[key] in names}  # conformers together


def test_the_part_depends_on_the_seed_and_not_on_the_order() -> None:
    assert used(0.5, 1) != used(0.5, 2)
    turned = SPLITS.iloc[::-1].reset_index(drop=True)
    part = training_part(turned, 0.5, 1, MOLECULE_OF, ELEMENTS_OF)
    assert set(part.loc[part["split"] == "train", "id"]) == used(0.5, 1)


def test_a_part_too_small_for_the_elements_is_refused() -> None:
    with pytest.raises(InputError, match=r"raise learning_curve\.fractions"):
        used(0.02)


def test_the_part_of_a_file_keeps_the_conformers_of_a_molecule_together(tmp_path) -> None:
    molecules = [
        Molecule(key, np.array(sorted(elements), np.uint8), np.zeros((len(elements), 3)))
        for key, elements in ELEMENTS_OF.items()
    ]
    table = MoleculeTable.from_molecules(molecules)
    table = table.with_texts(molecule=[MOLECULE_OF[key] for key in IDS])
    table.save(tmp_path / "candidates.h5")
    write_splits(SPLITS, tmp_path / "splits.csv")
    files = tmp_path / "candidates.h5", tmp_path / "splits.csv"
    thin_training_set(*files, 0.25, 1, tmp_path / "part.csv")
    part = read_splits(tmp_path / "part.csv", IDS)
    assert set(part.loc[part["split"] == "train", "id"]) == used(0.25)
    # Frames of one molecule are drawn apart where the split is one of structures.
    table.with_texts(molecule=["one"] * len(IDS)).save(tmp_path / "candidates.h5")
    with pytest.raises(InputError, match=r"0\.25 of 1 training molecules"):
        thin_training_set(*files, 0.25, 1, tmp_path / "part.csv")
    thin_training_set(*files, 0.25, 1, tmp_path / "part.csv", by_structure=True)
    assert (read_splits(tmp_path / "part.csv", IDS)["split"] == "train").sum() == 20


def test_splits_with_unused_molecules_can_be_read(tmp_path) -> None:
    part = training_part(SPLITS, 0.5, 1, MOLECULE_OF, ELEMENTS_OF)
    write_splits(part, tmp_path / "splits.csv")
    assert set(read_splits(tmp_path / "splits.csv", IDS)["split"]) == {
        "train",
        "validation",
        "test",
        "unused",
    }

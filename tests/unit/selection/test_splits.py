"""Splits depend on keys and the seed alone."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mepflow.errors import ConfigError, InputError, StateError
from mepflow.selection.splits import make_splits, read_splits, rows_in_split, write_splits

IDS = [f"gdb_{number:06d}" for number in range(1, 101)]


def members(splits):
    return {
        name: set(splits.loc[splits["split"] == name, "id"])
        for name in ("train", "validation", "test")
    }


def sizes(splits):
    return {name: len(ids) for name, ids in members(splits).items()}


def test_sizes():
    assert sizes(make_splits(IDS, 1, 24, 0.05)) == {"train": 72, "validation": 4, "test": 24}
    assert sizes(make_splits(IDS, 1, 0.1, 0.25)) == {"train": 67, "validation": 23, "test": 10}
    assert sizes(make_splits(IDS, 1, 1, 0.0)) == {"train": 98, "validation": 1, "test": 1}
    assert sizes(make_splits(IDS, 1, 0.001, 0.999)) == {"train": 1, "validation": 98, "test": 1}
    assert sizes(make_splits(IDS[:3], 1, 1, 0.05)) == {"train": 1, "validation": 1, "test": 1}


def test_the_table():
    splits = make_splits(IDS, 1, 24, 0.05, ["gdb_000050"])
    assert list(splits.columns) == ["id", "split", "showcase"]
    assert list(splits["id"]) == IDS
    assert splits["showcase"].sum() == 1
    assert splits.loc[49, "split"] == "test"


def test_these_splits_never_change():
    """A change of the ranks would mix training and test molecules of earlier results."""
    found = members(make_splits(IDS, 1, 4, 0.04))
    assert {name: sorted(found[name]) for name in ("validation", "test")} == PINNED


PINNED = {
    "validation": ["gdb_000001", "gdb_000037", "gdb_000070", "gdb_000086"],
    "test": ["gdb_000014", "gdb_000041", "gdb_000075", "gdb_000098"],
}


@given(st.permutations(IDS[:30]), st.integers(0, 3))
def test_the_order_of_the_molecules_does_not_matter(ids, seed):
    assert make_splits(ids, seed, 7, 0.2).equals(make_splits(IDS[:30], seed, 7, 0.2))


@given(st.integers(0, 99), st.sampled_from([13, 0.13]))
def test_a_molecule_less_moves_at_most_one_at_each_boundary(left_out, test):
    before = members(make_splits(IDS, 5, test, 0.1))
    after = members(make_splits(IDS[:left_out] + IDS[left_out + 1 :], 5, test, 0.1))
    gone = {IDS[left_out]}
    assert len(after["test"] ^ (before["test"] - gone)) <= 1
    assert len(after["validation"] ^ (before["validation"] - gone)) <= 2
    assert len(after["train"] ^ (before["train"] - gone)) <= 3


def test_a_smaller_test_set_is_part_of_a_larger_one():
    small, large = (members(make_splits(IDS, 1, test, 0.1))["test"] for test in (10, 20))
    assert small < large


def test_another_seed_is_another_split():
    test_sets = [members(make_splits(IDS, seed, 20, 0.1))["test"] for seed in range(6)]
    for row, one in enumerate(test_sets):
        for other in test_sets[:row]:
            assert len(one & other) < 12  # 4 are expected of two independent draws


def test_every_molecule_has_the_same_chance():
    counts = np.zeros(len(IDS))
    validation = np.zeros(len(IDS))
    for seed in range(400):
        splits = make_splits(IDS, seed, 25, 0.2)
        counts += splits["split"] == "test"
        validation += splits["split"] == "validation"
    # 400 draws of 1/4 and 3/20: standard deviations 8.7 and 7.1; 100 molecules.
    assert np.abs(counts - 100).max() < 4.5 * 8.7
    assert np.abs(validation - 60).max() < 4.5 * 7.1


def test_showcase_molecules_are_tested_and_displace_no_more_than_themselves():
    plain = members(make_splits(IDS, 1, 10, 0.1))
    showcase = sorted(plain["train"])[:3]
    splits = make_splits(IDS, 1, 10, 0.1, showcase)
    found = members(splits)
    assert set(showcase) < found["test"]
    assert len(found["test"]) == 10
    assert len(found["test"] - plain["test"]) == 3
    assert set(splits.loc[splits["showcase"] == 1, "id"]) == set(showcase)
    # More of them than the test set has room for: it grows.
    assert sizes(make_splits(IDS, 1, 2, 0.1, showcase))["test"] == 3


def test_a_missing_showcase_molecule_is_named():
    with pytest.raises(ConfigError, match=r"gdb_000999 is not in the data set .* split\.showcase"):
        make_splits(IDS, 1, 10, 0.1, ["gdb_000001", "gdb_000999"])


@pytest.mark.parametrize("test", [0, -1, 0.0, 1.0, 1.5, -0.1, True, float("nan")])
def test_an_impossible_test_size_is_refused(test):
    with pytest.raises(ConfigError, match=r"split\.test is "):
        make_splits(IDS, 1, test, 0.1)


@pytest.mark.parametrize("fraction", [-0.1, 1.0, float("nan")])
def test_an_impossible_validation_fraction_is_refused(fraction):
    with pytest.raises(ConfigError, match=r"split\.validation_fraction is "):
        make_splits(IDS, 1, 10, fraction)


@pytest.mark.parametrize(("ids", "test"), [([], 1), (IDS[:2], 1), (IDS[:10], 9), (IDS, 5000)])
def test_too_few_molecules_is_one_sentence(ids, test):
    with pytest.raises(
        InputError, match=f"{len(ids)} molecules are too few for a test set of {test}"
    ):
        make_splits(ids, 1, test, 0.1)


conformers = st.dictionaries(
    st.text("abc", min_size=1, max_size=4), st.sampled_from("uvwxyz"), min_size=1
).filter(lambda molecule_of: len(set(molecule_of.values())) >= 3)


@given(conformers, st.integers(0, 9), st.sampled_from([1, 0.2, 0.4]), st.randoms())
def test_conformers_of_a_molecule_are_in_the_same_split(molecule_of, seed, test, random):
    ids = list(molecule_of)
    random.shuffle(ids)
    names = [molecule_of[key] for key in ids]
    n_molecules = len(set(names))
    splits = make_splits(ids, seed, test, 0.25, molecules=names)
    assert list(splits["id"]) == sorted(ids)
    found = {split: {molecule_of[key] for key in keys} for split, keys in members(splits).items()}
    assert sum(map(len, found.values())) == n_molecules  # none is in two
    # The molecules are split as they are without conformers, whatever the order of the rows.
    assert found == members(make_splits(sorted(set(names)), seed, test, 0.25))


def test_rows_count_as_molecules_and_not_one_by_one():
    ids = [f"{key}:{conformer}" for key in IDS for conformer in range(int(key[-1]) + 1)]
    names = [key.partition(":")[0] for key in ids]
    splits = make_splits(ids, 1, 24, 0.05, ["gdb_000009:3"], molecules=names)
    assert splits.loc[splits["showcase"] == 1, "id"].tolist() == ["gdb_000009:3"]
    found = {split: {key[:10] for key in keys} for split, keys in members(splits).items()}
    assert {split: len(keys) for split, keys in found.items()} == {
        "train": 72, "validation": 4, "test": 24
    }  # fmt: skip
    assert "gdb_000009" in found["test"]
    assert {f"gdb_000009:{k}" for k in range(10)} <= members(splits)["test"]


def test_showcase_conformers_of_one_molecule_take_one_place():
    ids = [f"{key}:{conformer}" for key in IDS[:10] for conformer in range(2)]
    names = [key.partition(":")[0] for key in ids]
    splits = make_splits(ids, 1, 1, 0.1, ids[:2], molecules=names)
    assert members(splits)["test"] == set(ids[:2])


def test_names_that_are_not_those_of_the_ids_are_refused():
    with pytest.raises(ValueError, match="shorter"):
        make_splits(IDS, 1, 10, 0.1, molecules=IDS[:-1])


def test_conformers_of_too_few_molecules_is_one_sentence():
    with pytest.raises(InputError, match="2 molecules are too few for a test set of 1"):
        make_splits(IDS, 1, 1, 0.1, molecules=["u", "v"] * 50)


def test_repeated_keys_are_refused():
    with pytest.raises(ValueError, match="not unique"):
        make_splits([*IDS, IDS[0]], 1, 10, 0.1)


def test_a_file_gives_the_splits_back(tmp_path):
    splits = make_splits(IDS, 1, 10, 0.1, IDS[:2])
    write_splits(splits, tmp_path / "new" / "splits.csv")
    found = read_splits(tmp_path / "new" / "splits.csv", IDS)
    assert found.to_numpy().tolist() == splits.to_numpy().tolist()
    assert read_splits(tmp_path / "new" / "splits.csv", IDS[:5]).equals(found)
    with pytest.raises(StateError, match="does not hold gdb_000999: make the splits"):
        read_splits(tmp_path / "new" / "splits.csv", [*IDS, "gdb_000999"])


GOOD = "id,split,showcase\na,train,0\nb,validation,0\nc,test,1\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "does not exist"),
        ("", "is damaged"),
        ("a,b\n1,2\n", "has not the columns id, split, showcase"),
        (GOOD + "a,test,0\n", "holds a twice"),
        (GOOD.replace("train", "training"), "has the unknown split 'training'"),
        (GOOD.replace("validation", "test"), "has no validation molecule"),
        (GOOD.replace("c,test,1\n", ""), "has no test molecule"),
        (GOOD.replace("train", "test"), "has no train molecule"),
        (GOOD.replace("c,test,1", "c,test,2"), "showcase column that is not 0 or 1"),
        (GOOD.replace("c,test,1", "c,test,yes"), "showcase column that is not 0 or 1"),
        (GOOD.replace("a,train,0", "a,train,1"), "showcase molecule outside the test set"),
        (GOOD[: GOOD.index("a,")], "has no train molecule"),
    ],
)
def test_a_damaged_file_is_one_sentence(tmp_path, text, message):
    path = tmp_path / "splits.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=rf"splits\.csv {message}|splits\.csv .*{message}"):
        read_splits(path)


def test_rows_in_split_go_by_id(tmp_path: Path) -> None:
    path = tmp_path / "splits.csv"
    ids = ["a", "b", "c", "d"]
    write_splits(
        pd.DataFrame({"id": ids, "split": ["test", "train", "validation", "test"], "showcase": 0}),
        path,
    )
    assert rows_in_split(ids, path, "test").tolist() == [0, 3]
    assert rows_in_split(["d", "c", "b"], path, "test").tolist() == [0]
    with pytest.raises(InputError, match=r"splits\.csv leaves no train molecule among the 2 with"):
        rows_in_split(["a", "c"], path, "train")

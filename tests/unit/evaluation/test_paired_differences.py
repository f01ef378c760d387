"""Differences on the same molecules."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import bootstrap

from mepflow.evaluation.paired_differences import (
    DIFFERENCE,
    difference_of,
    errors_by_molecule,
    paired_differences,
)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    hard = rng.exponential(2.0, 30)
    noise = rng.normal(0.0, 0.1, (2, 30))
    return pd.DataFrame({"a": hard + noise[0], "b": hard + 0.3 + noise[1], "c": 1.0})


def test_interval_is_that_of_the_bootstrap_of_the_paired_means(table) -> None:
    pairs = paired_differences(table)
    mean, low, high = difference_of(pairs, "a", "b")
    differences = (table["a"] - table["b"]).to_numpy()
    expected = bootstrap(
        (differences,), np.mean, n_resamples=20_000, method="percentile", rng=1
    ).confidence_interval
    assert mean == pytest.approx(differences.mean(), rel=1e-12)
    assert (low, high) == pytest.approx(tuple(expected), abs=0.004)
    # What both find hard does not widen it: the errors themselves scatter ten times as much.
    assert high - low < 0.2 * table["a"].std()


def test_a_pair_may_be_asked_for_either_way(table) -> None:
    pairs = paired_differences(table)
    mean, low, high = difference_of(pairs, "b", "a")
    assert difference_of(pairs, "a", "b") == (-mean, -high, -low)
    with pytest.raises(KeyError):
        difference_of(pairs, "a", "z")


def test_count_of_smaller_errors(table) -> None:
    row = paired_differences(table).iloc[0]
    assert row["n_smaller"] == (table["a"] < table["b"]).sum()


def test_a_pair_is_about_the_molecules_that_both_cover() -> None:
    table = pd.DataFrame({"a": [1.0, 2.0, 9.0], "b": [2.0, 4.0, np.nan], "c": [1.0, 1.0, 1.0]})
    pairs = paired_differences(table).set_index(["representation", "other"])
    assert pairs["n_molecules"].to_dict() == {("a", "b"): 2, ("a", "c"): 3, ("b", "c"): 2}
    assert pairs[DIFFERENCE[0]].tolist() == pytest.approx([-1.5, 3.0, 2.0])


@pytest.mark.parametrize(("count", "has_interval"), [(1, False), (5, False), (6, True)])
def test_few_molecules_have_no_interval(count, has_interval) -> None:
    row = paired_differences(pd.DataFrame({"a": np.arange(count), "b": 3.0})).iloc[0]
    assert row[DIFFERENCE[0]] == (count - 1) / 2 - 3.0
    assert np.isfinite([row[name] for name in DIFFERENCE[1:]]).tolist() == [has_interval] * 2


def test_conformers_and_seeds_of_a_molecule_count_once() -> None:
    errors = pd.DataFrame(
        [
            *(("m:0", "m", "a", 1, 1.0), ("m:0", "m", "a", 2, 3.0), ("m:1", "m", "a", 1, 5.0)),
            *(("m:1", "m", "a", 2, 7.0), ("n:0", "n", "a", 1, 2.0), ("n:0", "n", "a", 2, 2.0)),
        ],
        columns=["id", "molecule", "name", "seed", "error"],
    )
    assert errors_by_molecule(errors, "error")["a"].to_dict() == {"m": 4.0, "n": 2.0}

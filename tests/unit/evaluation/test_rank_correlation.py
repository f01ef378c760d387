"""Spearman's rank correlation against SciPy's, and its interval over molecules."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from mepflow.evaluation.rank_correlation import mean_correlation, rank_correlation


@pytest.mark.parametrize("decimals", [1, 8])
def test_it_is_scipys_with_and_without_ties(decimals) -> None:
    rng = np.random.default_rng(2)
    true, other = np.round(rng.normal(size=(2, 30, 12)), decimals)
    expected = [spearmanr(*pair).statistic for pair in zip(true, other, strict=True)]
    np.testing.assert_allclose(rank_correlation(true, other), expected, atol=1e-12)


def test_places_without_a_value_do_not_count() -> None:
    true, other = np.random.default_rng(3).normal(size=(2, 7))
    padded = [np.append(values, [np.nan, np.nan]) for values in (true, other)]
    assert rank_correlation(*padded) == pytest.approx(spearmanr(true, other).statistic, abs=1e-12)


def test_equal_values_tell_no_order() -> None:
    assert rank_correlation(np.ones(4), np.arange(4.0)) == 0.0


def test_the_mean_is_over_models_and_the_interval_over_molecules() -> None:
    rng = np.random.default_rng(4)
    true = rng.normal(size=20)
    predicted = np.stack([true + 0.3 * rng.normal(size=20), true + rng.normal(size=20)], axis=1)
    mean, low, high = mean_correlation(true, predicted, range(20))
    each = [spearmanr(true, one).statistic for one in predicted.T]
    assert mean == pytest.approx(np.mean(each), abs=1e-12)
    assert 0.3 < low < mean < high < 1.0
    # Each value twice, as two conformers: no more is known, so the interval stays as wide.
    twice = mean_correlation(np.repeat(true, 2), np.repeat(predicted, 2, axis=0), [*range(20)] * 2)
    by_molecule = mean_correlation(
        np.repeat(true, 2), np.repeat(predicted, 2, axis=0), np.repeat(np.arange(20), 2).tolist()
    )
    assert by_molecule[2] - by_molecule[1] == pytest.approx(high - low, rel=0.1)
    assert twice[2] - twice[1] < 0.9 * (high - low)


def test_unequally_many_conformers_are_drawn_whole() -> None:
    true = np.arange(9.0)
    names = ["a", "a", "a", "b", "c", "d", "e", "f", "g"]
    assert mean_correlation(true, true[:, None], names) == (1.0, 1.0, 1.0)


def test_few_molecules_have_no_interval() -> None:
    mean, low, high = mean_correlation(np.arange(5.0), -np.arange(5.0)[:, None], range(5))
    assert mean == pytest.approx(-1.0)
    assert np.isnan([low, high]).all()

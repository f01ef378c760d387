"""Gains against what is known exactly, and against the bootstrap over molecules alone."""

import numpy as np
import pandas as pd
import pytest

from mepflow.errors import InputError
from mepflow.evaluation.paired_gain import gain, mean_with_interval, molecules_by_seeds
from mepflow.evaluation.statistics import bootstrap_interval

RNG = np.random.default_rng(7)


def table(values: np.ndarray, seeds: tuple[int, ...] = (1, 2, 3, 4)) -> pd.DataFrame:
    index = pd.Index([f"m{k:02d}" for k in range(len(values))], name="molecule")
    return pd.DataFrame(values, index=index, columns=list(seeds[: values.shape[1]]))


def test_the_same_part_less_of_every_error_is_a_gain_without_doubt() -> None:
    base = table(RNG.uniform(0.1, 2.0, (12, 4)))
    assert gain(0.8 * base, base) == pytest.approx((20.0, 20.0, 20.0), rel=1e-12)
    assert gain(1.5 * base, base) == pytest.approx((-50.0, -50.0, -50.0), rel=1e-12)


def test_errors_that_only_molecules_scatter_have_the_interval_over_molecules() -> None:
    of_molecules = RNG.uniform(0.5, 1.5, 30)
    found = mean_with_interval(table(np.repeat(of_molecules[:, None], 4, axis=1)))
    assert found.value == pytest.approx(of_molecules.mean(), rel=1e-14)
    assert found[1:] == pytest.approx(bootstrap_interval(of_molecules, np.mean), abs=0.01)


def test_seeds_widen_the_interval_as_means_of_drawn_seeds_do() -> None:
    of_seeds = np.array([0.7, 0.9, 1.3, 1.6])
    # 4⁴ draws of four seeds, all as likely.
    drawn = of_seeds[np.indices((4, 4, 4, 4)).reshape(4, -1)].mean(axis=0)
    found = mean_with_interval(table(np.tile(of_seeds, (20, 1))))
    assert found[1:] == pytest.approx(np.percentile(drawn, (2.5, 97.5)), abs=0.03)


def test_pairing_takes_away_what_both_share() -> None:
    hard = np.repeat(RNG.uniform(0.1, 4.0, 25)[:, None], 3, axis=1)
    base, other = table(hard), table(0.7 * hard + RNG.uniform(0, 0.05, hard.shape))
    found = gain(other, base)
    assert found.high - found.low < 4.0
    alone = mean_with_interval(other)
    assert 100 * (alone.high - alone.low) / alone.value > 40.0


@pytest.mark.parametrize(("n_molecules", "n_seeds"), [(5, 4), (12, 2), (12, 1)])
def test_too_few_molecules_or_seeds_have_no_interval(n_molecules: int, n_seeds: int) -> None:
    base = table(np.ones((n_molecules, n_seeds)))
    value, *ends = gain(0.5 * base, base)
    assert value == 50.0
    assert np.isnan(ends).all()


def test_only_seeds_of_both_count() -> None:
    base = table(np.tile([1.0, 2.0, 3.0, 100.0], (8, 1)))
    assert gain(0.5 * base[[1, 2, 3]], base).value == 50.0
    other = base.rename(columns={seed: seed + 10 for seed in base})
    assert np.isnan(gain(other, base)).all()


def test_other_molecules_are_refused() -> None:
    base = table(np.ones((8, 3)))
    with pytest.raises(InputError, match="different molecules"):
        gain(base.iloc[1:], base)


def test_conformers_of_a_molecule_are_averaged() -> None:
    rows = [("a:0", "a", 1, 1.0), ("a:1", "a", 1, 3.0), ("b", "b", 1, 5.0)]
    frame = pd.DataFrame(rows, columns=["id", "molecule", "seed", "error"])
    assert molecules_by_seeds(frame, "error")[1].to_dict() == {"a": 2.0, "b": 5.0}

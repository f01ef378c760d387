import numpy as np
import pandas as pd
import pytest
from scipy.stats import bootstrap

from mepflow.errors import InputError
from mepflow.evaluation.sources import Source, read_sources, require_same_molecules, sources_of
from mepflow.evaluation.statistics import bootstrap_interval, pooled_rmse, summarize


def frame(values, name="AC-D"):
    """Errors of molecules (rows) × seeds (columns)."""
    return pd.DataFrame(
        [
            (name, seed, f"m{row:03d}", value)
            for row, seeds in enumerate(values)
            for seed, value in enumerate(seeds)
        ],
        columns=["name", "seed", "id", "error"],
    )


def test_seeds_are_averaged_before_the_median_over_molecules():
    errors = frame([[1.0, 3.0, 2.0], [5.0, 5.0, 8.0], [9.0, 1.0, 2.0], [7.0, 9.0, 8.0]])
    summary = summarize(errors, "error")
    assert summary.median == pytest.approx(5.0)  # of the means 2, 6, 4, 8
    assert summary.mean == pytest.approx(5.0)
    assert (summary.n_molecules, summary.n_seeds) == (4, 3)
    # Medians of the seeds: of 1, 5, 9, 7, of 3, 5, 1, 9, and of 2, 8, 2, 8.
    assert summary.seed_deviation == pytest.approx(np.std([6.0, 4.0, 5.0], ddof=1))


def test_one_seed_has_no_deviation():
    assert np.isnan(summarize(frame([[1.0], [2.0]]), "error").seed_deviation)


def test_interval_covers_the_truth_as_often_as_it_says():
    """95 % intervals of the median of 60 log-normal values hold the true one in 90 to 99 %."""
    rng = np.random.default_rng(4)
    intervals = [bootstrap_interval(rng.lognormal(size=60), np.median, seed=k) for k in range(120)]
    hits = np.mean([low <= 1.0 <= high for low, high in intervals])
    assert 0.9 <= hits <= 0.99


def test_interval_of_the_mean_has_the_width_of_the_standard_error():
    values = np.random.default_rng(5).normal(size=4000)
    low, high = bootstrap_interval(values, np.mean)
    assert high - low == pytest.approx(2 * 1.96 / np.sqrt(4000), rel=0.05)
    assert low < values.mean() < high


def test_interval_is_reproducible_and_needs_two_values():
    values = np.random.default_rng(6).normal(size=30)
    assert bootstrap_interval(values, seed=3) == bootstrap_interval(values, seed=3)
    assert bootstrap_interval(values, seed=3) != bootstrap_interval(values, seed=4)
    assert np.isnan(bootstrap_interval(values[:1])).all()


def test_seeds_about_different_molecules_are_refused():
    errors = frame([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(InputError, match="seeds of AC-D were evaluated on different molecules"):
        summarize(errors.drop(index=1), "error")
    errors.loc[1, "id"] = "other"
    with pytest.raises(InputError, match="different molecules"):
        summarize(errors, "error")


def test_representations_about_different_molecules_are_refused():
    both = pd.concat([frame([[1.0], [2.0]]), frame([[1.0], [2.0]], "mulliken")])
    require_same_molecules(both)
    with pytest.raises(InputError, match=r"AC-D and mulliken .* \(1 are in one"):
        require_same_molecules(both.iloc[:-1])


def test_only_some_baselines_may_cover_fewer_molecules():
    errors = pd.concat([frame([[1.0], [2.0]]), frame([[1.0]], "mbis-charges")])
    require_same_molecules(errors)
    more = pd.concat([frame([[1.0]]), frame([[1.0], [2.0]], "mbis-charges")])
    with pytest.raises(InputError, match="AC-D and mbis-charges"):
        require_same_molecules(more)


def test_files_are_joined_with_name_and_seed(tmp_path):
    (tmp_path / "a.csv").write_text("id,error\n007,1.5\n")
    (tmp_path / "b.csv").write_text("id,error\n007,2.5\n")
    joined = read_sources(
        [Source("AC-D", 2, tmp_path / "a.csv"), Source("mulliken", None, tmp_path / "b.csv")]
    )
    assert joined.to_dict("list") == {
        "name": ["AC-D", "mulliken"],
        "seed": [2, -1],
        "id": ["007", "007"],
        "error": [1.5, 2.5],
    }


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv does not exist"):
        read_sources([Source("AC-D", 1, tmp_path / "none.csv")])


def test_pooled_rmse_is_that_of_all_components():
    errors = np.random.default_rng(0).normal(size=(7, 3))
    per_molecule = np.sqrt((errors**2).mean(axis=1))
    assert pooled_rmse(per_molecule) == pytest.approx(np.sqrt((errors**2).mean()))


def test_sources_are_read_off_the_paths_of_a_run():
    paths = ["r/qm9/models/AC-DQ-dw100/seed-12/mep.csv", "r/qm9/baselines/fitted-charges/mep.csv"]
    model, baseline = sources_of(paths)
    assert (model.name, model.seed, model.is_baseline) == ("AC-DQ-dw100", 12, False)
    assert (baseline.name, baseline.seed, baseline.is_baseline) == ("fitted-charges", None, True)
    assert str(model.path) == paths[0]


@pytest.mark.parametrize("statistic", [np.median, np.mean])
@pytest.mark.parametrize("count", [2, 22, 500])
def test_the_interval_is_that_of_scipy(statistic, count):
    values = np.random.default_rng(count).lognormal(size=count)
    expected = bootstrap(
        (values,), statistic, n_resamples=10_000, method="percentile", rng=np.random.default_rng(7)
    ).confidence_interval
    found = bootstrap_interval(values, statistic, seed=7)
    np.testing.assert_allclose(found, (expected.low, expected.high), rtol=1e-12)

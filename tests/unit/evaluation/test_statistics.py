import numpy as np
import pandas as pd
import pytest
from scipy.stats import bootstrap

from mepflow.errors import InputError
from mepflow.evaluation.sources import Source, read_sources, require_same_molecules, sources_of
from mepflow.evaluation.statistics import (
    bootstrap_interval,
    median,
    pooled_rmse,
    summarize,
    values_of_molecules,
)


def frame(values, name="AC-D", molecules=None):
    """Errors of structures (rows) × seeds (columns), of molecules of their own or these."""
    return pd.DataFrame(
        [
            (name, seed, f"m{row:03d}", molecule or f"m{row:03d}", value)
            for row, (seeds, molecule) in enumerate(
                zip(values, molecules or [""] * len(values), strict=True)
            )
            for seed, value in enumerate(seeds)
        ],
        columns=["name", "seed", "id", "molecule", "error"],
    )


def test_seeds_are_averaged_before_the_median_over_molecules():
    errors = frame([[1.0, 3.0, 2.0], [5.0, 5.0, 8.0], [9.0, 1.0, 2.0], [7.0, 9.0, 8.0]])
    summary = summarize(errors, "error")
    assert summary.median == pytest.approx(5.0)  # of the means 2, 6, 4, 8
    assert summary.mean == pytest.approx(5.0)
    assert (summary.n_structures, summary.n_molecules, summary.n_seeds) == (4, 4, 3)
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


def test_interval_is_reproducible_and_needs_six_molecules():
    values = np.random.default_rng(6).normal(size=30)
    assert bootstrap_interval(values, seed=3) == bootstrap_interval(values, seed=3)
    assert bootstrap_interval(values, seed=3) != bootstrap_interval(values, seed=4)
    assert np.isnan(bootstrap_interval(values[:5])).all()
    assert np.isfinite(bootstrap_interval(values[:6])).all()
    assert np.isnan(bootstrap_interval(values, molecules=np.arange(30) % 5)).all()


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
    (tmp_path / "a.csv").write_text("id,molecule,error\n007,NA,1.5\n")
    (tmp_path / "b.csv").write_text("id,molecule,error\n007,NA,2.5\n")
    joined = read_sources(
        [Source("AC-D", 2, tmp_path / "a.csv"), Source("mulliken", None, tmp_path / "b.csv")]
    )
    assert joined.to_dict("list") == {
        "name": ["AC-D", "mulliken"],
        "seed": [2, -1],
        "id": ["007", "007"],
        "molecule": ["NA", "NA"],
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
@pytest.mark.parametrize("count", [6, 22, 500])
def test_the_interval_is_that_of_scipy(statistic, count):
    values = np.random.default_rng(count).lognormal(size=count)
    expected = bootstrap(
        (values,), statistic, n_resamples=10_000, method="percentile", rng=np.random.default_rng(7)
    ).confidence_interval
    found = bootstrap_interval(values, statistic, seed=7)
    np.testing.assert_allclose(found, (expected.low, expected.high), rtol=1e-12)


@pytest.mark.parametrize("statistic", [np.median, np.mean])
def test_conformers_are_drawn_with_their_molecule(statistic):
    """Equal conformers add nothing: the interval is that of one value per molecule."""
    values = np.random.default_rng(3).lognormal(size=12)
    molecules = np.repeat([f"m{k}" for k in range(12)], 3)
    one = bootstrap_interval(values, statistic, seed=2)
    three = bootstrap_interval(np.repeat(values, 3), statistic, molecules=molecules, seed=2)
    np.testing.assert_allclose(three, one, rtol=1e-12)
    independent = bootstrap_interval(np.repeat(values, 3), statistic, seed=2)
    assert np.ptp(independent) < 0.75 * np.ptp(one)


def test_molecules_with_unequally_many_conformers_weigh_by_them():
    rng = np.random.default_rng(8)
    sizes = [1, 4, 2, 3, 1, 2, 5]
    molecules = np.repeat(np.arange(7), sizes)
    values = rng.lognormal(size=len(molecules))
    parts = [values[molecules == k] for k in range(7)]
    for found, statistic in ((median, np.median), (np.nanmean, np.mean)):
        draws = np.random.default_rng(0).integers(0, 7, (10_000, 7))
        samples = [statistic(np.concatenate([parts[k] for k in draw])) for draw in draws]
        np.testing.assert_allclose(
            bootstrap_interval(values, found, molecules=molecules),
            np.percentile(samples, (2.5, 97.5)),
            rtol=1e-12,
        )


def test_conformers_and_seeds_are_averaged_to_one_value_of_a_molecule():
    errors = frame([[1.0, 3.0], [5.0, 7.0], [2.0, 2.0]], molecules=["a", "a", "b"])
    np.testing.assert_allclose(values_of_molecules(errors, "error"), [4.0, 2.0])
    summary = summarize(errors, "error")
    assert (summary.n_structures, summary.n_molecules) == (3, 2)
    assert summary.median == pytest.approx(2.0)
    assert np.isnan([summary.median_low, summary.mean_high]).all()


def test_a_file_of_an_older_version_tells_molecules_by_the_ids(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,rmse_kcal_per_mol_e\nfuran:0,1\nfuran:1,2\ngdb_000001,3\n")
    errors = read_sources([Source("a", None, path)])
    assert list(errors["molecule"]) == ["furan", "furan", "gdb_000001"]

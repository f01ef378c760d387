"""The spread of models as a measure of their error: parameters, bounds, and files of them."""

import json

import numpy as np
import pytest

from mepflow.errors import InputError
from mepflow.evaluation.calibration import FEWEST, Calibration, coverage, read_calibrations
from mepflow.evaluation.ensemble_errors import error_and_spread


@pytest.mark.parametrize(("shared", "factor"), [(0.8, 2.0), (1.0, 0.0), (0.0, 1.7)])
def test_parameters_are_found_again(shared, factor):
    rng = np.random.default_rng(4)
    spreads = rng.uniform(0.1, 1.5, 40_000)
    errors = np.abs(rng.normal(0.0, np.hypot(shared, factor * spreads)))
    found = Calibration.of(errors, spreads)
    assert found.expected(spreads) == pytest.approx(np.hypot(shared, factor * spreads), rel=0.05)
    assert coverage(errors, found.bounds(spreads)) == pytest.approx(0.95, abs=0.002)
    # 1.96 standard deviations of a normal variable hold 95 %.
    assert found.bound == pytest.approx(1.96, rel=0.02)


def test_parameters_scale_with_the_units():
    rng = np.random.default_rng(5)
    spreads = rng.uniform(0.5, 2.0, 50)
    errors = np.abs(rng.normal(0.0, spreads))
    small, large = Calibration.of(errors, spreads), Calibration.of(1e3 * errors, spreads)
    assert large.expected(spreads) == pytest.approx(1e3 * small.expected(spreads), rel=1e-3)
    assert large.bound == pytest.approx(small.bound, rel=1e-3)


@pytest.mark.parametrize(("n", "rank"), [(20, 20), (39, 38), (59, 57), (99, 95)])
def test_a_bound_is_the_conformal_rank(n, rank):
    errors = np.arange(1.0, n + 1.0)
    found = Calibration.of(errors, np.zeros(n))  # without any spread σ is one number
    assert found.bounds(np.zeros(1))[0] == pytest.approx(errors[rank - 1], rel=1e-9)
    assert found.expected(np.zeros(1))[0] == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-3)


def test_few_molecules_give_no_bound():
    found = Calibration.of(np.ones(FEWEST - 1), np.ones(FEWEST - 1))
    assert np.isnan(found.bounds(np.ones(1))[0])
    assert np.isnan(Calibration.of(np.ones(1), np.ones(1)).expected(np.ones(1))[0])
    with pytest.raises(InputError, match="is not finite"):
        Calibration.of(np.array([1.0, np.nan]), np.ones(2))


def test_a_file_is_read_as_it_was_written(tmp_path):
    known = {
        "mep": Calibration(0.5, 2.0, 2.1, 40),
        "dipole": Calibration(0.1, 1.0, float("nan"), 4, 0.75),
    }
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps({name: one.to_dict() for name, one in known.items()}))
    found = read_calibrations(path)
    assert found["mep"].to_dict() == known["mep"].to_dict()
    assert np.isnan(found["dipole"].bound)
    assert found["dipole"].largest_spread == 0.75
    assert found["dipole"].to_dict() == known["dipole"].to_dict()


def test_older_and_newer_files_are_read(tmp_path):
    old = {"shared": 0.5, "factor": 2.0, "bound": 2.1, "molecules": 40}
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps({"mep": old, "dipole": old | {"more": 1}, "format_version": 2}))
    found = read_calibrations(path)
    assert list(found) == ["mep", "dipole"]
    assert np.isnan(found["mep"].largest_spread)
    assert not found["mep"].is_beyond(np.array([1e9])).any()


def test_spreads_beyond_those_of_the_calibration():
    found = Calibration.of(np.ones(30), np.linspace(0.1, 0.5, 30))
    assert found.is_beyond(np.array([0.4, 0.5, 0.51])).tolist() == [False, False, True]


@pytest.mark.parametrize("text", ["", "[]", '{"mep": {}}', '{"mep": {"shared": -1, "factor": 1}}'])
def test_a_damaged_file_is_named(tmp_path, text):
    path = tmp_path / "calibration.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"calibration\.json holds no calibration"):
        read_calibrations(path)


def test_error_and_spread_of_three_models():
    found = np.array([[1.0, 4.0], [2.0, 4.0], [3.0, 4.0]])
    error, spread = error_and_spread(found, np.array([2.0, 6.0]))
    assert error == pytest.approx(np.sqrt((0.0 + 4.0) / 2))
    assert spread == pytest.approx(np.sqrt((1.0 + 0.0) / 2))

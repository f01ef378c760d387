"""The code that decides a fitted baseline: its own module's, and none of the others'."""

import pytest

from mepflow.naming import BASELINES
from mepflow.runs.baseline_fits import BASELINE_FITS, fit_module
from mepflow.runs.code_reach import Reach
from mepflow.runs.package_sources import Sources

CONSTRAINED = "mepflow.electrostatics.fit_with_moments.fit_with_moments"


@pytest.mark.parametrize("baseline", BASELINES)
def test_only_fits_with_exact_moments_count_their_code(baseline) -> None:
    texts = Reach(Sources(), ["evaluate_baseline", fit_module(baseline)]).texts
    assert (CONSTRAINED in texts) == ("exact-moments" in baseline)
    assert "mepflow.electrostatics.multipole_fit.design" in texts


def test_every_fit_is_a_baseline() -> None:
    assert set(BASELINE_FITS) <= set(BASELINES)

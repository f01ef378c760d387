"""Ticks of logarithmic axes: round, plain, few and never none."""

import numpy as np
import pytest

from mepflow.plots.log_axes import LogTicks, tick_text


@pytest.mark.parametrize(
    ("limits", "most", "expected"),
    [
        ((0.09, 21.0), 9, [0.1, 0.2, 0.5, 1, 2, 5, 10, 20]),
        ((95.0, 1600.0), 5, [100, 200, 500, 1000]),
        ((180.0, 420.0), 5, [200, 300, 400]),
        ((1.13, 1.46), 5, [1.2, 1.3, 1.4]),
        ((3e-5, 0.2), 5, [1e-4, 1e-3, 1e-2, 1e-1]),
        ((1e-12, 1e8), 5, [1e-12, 1e-7, 1e-2, 1e3, 1e8]),
    ],
)
def test_ticks_are_round_and_few(limits, most, expected) -> None:
    found = LogTicks(most).tick_values(*limits)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_every_range_has_ticks() -> None:
    for span in np.geomspace(1.05, 1e9, 60):
        for low in np.geomspace(0.1, 1.0, 23):
            ticks = LogTicks(5).tick_values(low, low * span)
            assert 2 <= len(ticks) <= 7, (low, span)
            assert low * 0.999 <= min(ticks) < max(ticks) <= low * span * 1.001


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.001, "0.001"),
        (0.30000000000000004, "0.3"),
        (20000.0, "20000"),
        (1e5, "$10^{5}$"),
        (2e-4, r"$2{\times}10^{-4}$"),
    ],
)
def test_a_tick_is_a_plain_number_where_that_is_short(value, text) -> None:
    assert tick_text(value) == text

"""Baselines that are fitted to the potential, each with the module that fits it.

A module of :data:`BASELINE_FITS` has ``ORDERS``, the highest order of the atomic terms by the name
of the baseline, and ``fit``, which returns the terms of a molecule. It is imported where one of its
baselines is fitted, and only there.
"""

from collections.abc import Mapping
from typing import Final

BASELINE_FITS: Final[Mapping[str, str]] = {
    "fitted-charges": "mepflow.evaluation.free_fits",
    "fitted-charges-dipoles": "mepflow.evaluation.free_fits",
    "fitted-charges-dipoles-quadrupoles": "mepflow.evaluation.free_fits",
    "fitted-charges-exact-moments": "mepflow.evaluation.exact_moment_fits",
    "fitted-charges-dipoles-exact-moments": "mepflow.evaluation.exact_moment_fits",
}
"""Module of each baseline."""


def fit_module(baseline: str) -> str:
    """Return the module that a baseline's code digest counts; one of no fit counts the first."""
    return BASELINE_FITS.get(baseline, BASELINE_FITS["fitted-charges"])

"""What a variant learns beside charges, how strongly, and which variant does without them."""

from typing import Any

import pytest

from mepflow.evaluation.auxiliary_rows import AuxiliaryRow, auxiliary_rows


def row(scheme: str | None = None, **weights: float) -> dict[str, Any]:
    found = {"atomic_terms": ["charges"], "quadrupole_from": "charges", "loss_weights": weights}
    return found | ({} if scheme is None else {"charges_like": scheme})


VARIANTS: dict[str, dict[str, Any]] = {
    "N": row(dipole_norm=1.0, quadrupole=0.0),
    "N-q10": row("mulliken", dipole_norm=1.0, charges=10.0),
    "N-fit10": row("fitted", dipole_norm=1.0, charges=10.0) | {"mep_grids": ["mk"]},
    "N-q10-slow": row("mulliken", dipole_norm=1.0, charges=10.0) | {"training": {"steps": 9}},
    "DQ": row(dipole=100.0, quadrupole=1.0),
    "DQ-q10": row("mulliken", dipole=100.0, quadrupole=1.0, charges=1000.0),
    "MD": row(mep=1.0, dipole=1.0) | {"mep_grids": ["mk"]},
    "MD-q1": row("mulliken", mep=1.0, dipole=1.0, charges=1.0) | {"mep_grids": ["chelpg"]},
    "q": row("mulliken", charges=3.0),
}
EXPECTED = {
    "N": AuxiliaryRow("|μ|", None, 0.0, None),
    "N-q10": AuxiliaryRow("|μ|", "mulliken", 10.0, "N"),
    "N-fit10": AuxiliaryRow("|μ|", "fitted", 10.0, "N"),
    "N-q10-slow": AuxiliaryRow("|μ|", "mulliken", 10.0, None),
    "DQ": AuxiliaryRow("μ + Θ′", None, 0.0, None),
    "DQ-q10": AuxiliaryRow("μ + Θ′", "mulliken", 10.0, "DQ"),
    "MD": AuxiliaryRow("μ + V", None, 0.0, None),
    # The other learns the potential on another grid, so it differs in more than the charges.
    "MD-q1": AuxiliaryRow("μ + V", "mulliken", 1.0, None),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_variant_says_what_it_learns(name: str) -> None:
    assert auxiliary_rows(VARIANTS)[name] == EXPECTED[name]


def test_charges_alone_help_nothing_and_have_no_relative_weight() -> None:
    found = auxiliary_rows(VARIANTS)["q"]
    assert (found.learned, found.scheme, found.base) == ("q", "mulliken", None)
    assert found.weight != found.weight

"""The look of a variant follows from its row, whatever its name is."""

import pytest

from mepflow.errors import ConfigError
from mepflow.evaluation.baselines import BASELINES
from mepflow.plots.appearance import appearances, families


def line(dash, dots):
    """A dash, then dots: which family it is, and which of its variants."""
    return (0.0, (dash, 1.2, *(dots * (0.9, 1.2)))) if dash else (0.0, ())


STUDY = {
    "AC-D": ("#E69F00", "o", line(2.5, 0)),
    "AC-AD-D": ("#efc159", "s", line(2.5, 1)),
    "AC-Q": ("#CC79A7", "o", line(1.2, 0)),
    "AC-DQ": ("#0072B2", "o", line(4.5, 0)),
    "AC-DQ-dw100": ("#009E73", "o", line(0.0, 0)),
    "AC-AD-DQ": ("#59a3cd", "s", line(4.5, 1)),
    "AC-AD-DQ-dw100": ("#59c0a4", "s", line(7.0, 1)),
    "AC-AD-DQ-c": ("#003f62", "D", line(4.5, 2)),
    "AC-AD-DQ-dw100-c": ("#00573f", "D", line(7.0, 2)),
}


def row(dipole=1.0, quadrupole=0.0, terms=("charges",), source="charges", **more):
    weights = {"dipole": dipole, "quadrupole": quadrupole}
    return {"atomic_terms": list(terms), "loss_weights": weights, "quadrupole_from": source} | more


def look(one):
    return one.colour, one.marker, one.line


def test_the_variants_of_the_study_keep_the_look_that_they_had(rows):
    looks = appearances(rows)
    assert {name: look(looks[name]) for name in rows} == STUDY
    assert {name: family.label for name, family in families(rows).items()}["AC-DQ-dw100"] == (
        "100 × dipole + quadrupole"
    )


def test_no_two_lines_of_the_study_are_alike_without_colour(rows):
    lines = [one.line for one in appearances(rows).values()]
    assert len({one.line for one in map(appearances(rows).get, rows)}) == len(rows)
    assert len(lines) == len(rows) + len(BASELINES)


def test_fits_are_hollow_and_variants_are_not(rows):
    looks = appearances(rows)
    hollow = {name for name, one in looks.items() if one.face == "#FFFFFF"}
    assert hollow == {name for name in BASELINES if name.startswith("fitted-")}


def test_another_name_gives_the_same_look(rows):
    renamed = {f"my {name}": row for name, row in rows.items()}
    looks = appearances(renamed)
    assert {name: look(looks[f"my {name}"]) for name in rows} == STUDY


def test_own_variants_can_be_told_apart_and_take_no_look_away(rows):
    own = {
        "deeper": rows["AC-DQ"] | {"network": "deep"},
        "slower": rows["AC-DQ"] | {"training": {"learning_rate": 1e-5}},
        "twin": rows["AC-DQ"],
        "potential": row(0.0, 0.0) | {"loss_weights": {"mep": 1.0}},
        "norm": row(0.0, 0.0) | {"loss_weights": {"dipole_norm": 1.0, "charges": 10.0}},
        "quadrupoles": row(1.0, 1.0, ("charges", "dipoles", "quadrupoles"), "all"),
        **{f"dw{10 * k}": row(10.0 * k, 1.0) for k in range(2, 10)},
    }
    looks = appearances(own | rows)
    assert {name: look(looks[name]) for name in rows if name != "AC-DQ"} == {
        name: its for name, its in STUDY.items() if name != "AC-DQ"
    }
    assert len({look(one) for one in looks.values()}) == len(looks)
    by_family = {}
    for name, family in families(own | rows).items():
        by_family.setdefault(family.label, []).append(looks[name])
    for of_family in by_family.values():
        assert len({one.marker for one in of_family}) == len(of_family)
        assert len({one.colour for one in of_family}) == len(of_family)
        assert len({one.line for one in of_family}) == len(of_family)


def test_the_scale_of_the_weights_does_not_matter(rows):
    scaled = {"scaled": row(3.0, 3.0)}
    assert appearances(scaled)["scaled"] == appearances(rows)["AC-DQ"]
    named = {"a": {**row(), "loss_weights": {"dipole_norm": 1, "charges": 10.0}}}
    assert families(named)["a"].label == "10 × charges + length of the dipole"


def test_baselines_have_a_look_of_their_own(rows):
    looks = appearances(rows)
    baselines = [looks[name] for name in BASELINES]
    assert len({one.marker for one in baselines}) == len(baselines)
    assert not {one.colour for one in baselines} & {looks[name].colour for name in rows}


def test_more_variants_than_looks_are_refused():
    rows = {f"v{k}": row() for k in range(70)}
    with pytest.raises(ConfigError, match="no look left for the variant v65: train fewer"):
        appearances(rows)

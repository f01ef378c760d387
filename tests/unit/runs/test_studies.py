"""How a run's configuration is put together from definitions, studies and its own file."""

import copy
import re
from typing import Any

import pytest

from mepflow.errors import ConfigError
from mepflow.runs.studies import complete_config, merged, study_names

DEFINITIONS = {"networks": {"small": {"nodes": 16, "depth": 5}}, "figures": {"style": "default"}}
ONE = {
    "variants": {"A": {"atomic_terms": ["charges"]}, "B": {"atomic_terms": ["charges"]}},
    "figures": {"showcase_variants": ["A"]},
    "training": {"steps": 10},
    "miniature": {"training": {"steps": 2}},
}
TWO = {
    "variants": {"B": {"atomic_terms": ["charges"]}, "C": {"atomic_terms": ["dipoles"]}},
    "networks": {"wide": {"nodes": 64, "depth": 5}},
    "figures": {"showcase_variants": ["B", "A"]},
}
RUN = {"studies": ["one", "two"], "networks": {"small": {"nodes": 8}}, "training": {"seeds": [1]}}


def test_the_run_lies_on_its_studies_and_these_on_the_definitions() -> None:
    found = complete_config(DEFINITIONS, {"one": ONE, "two": TWO}, RUN)
    assert found["networks"] == {
        "small": {"nodes": 8, "depth": 5},
        "wide": {"nodes": 64, "depth": 5},
    }
    assert list(found["variants"]) == ["A", "B", "C"]
    assert found["figures"] == {"style": "default", "showcase_variants": ["A", "B"]}
    assert found["training"] == {"steps": 10, "seeds": [1], "variants": ["A", "B", "C"]}
    assert "miniature" not in found


def test_a_list_of_the_run_replaces_that_of_its_studies() -> None:
    run = RUN | {"figures": {"showcase_variants": ["C"]}, "training": {"variants": ["B"]}}
    found = complete_config(DEFINITIONS, {"one": ONE, "two": TWO}, run)
    assert found["figures"]["showcase_variants"] == ["C"]
    assert found["training"]["variants"] == ["B"]


def test_a_miniature_is_smaller_than_the_run_says() -> None:
    run = RUN | {"training": {"steps": 1000}, "miniature": True}
    found = complete_config(DEFINITIONS, {"one": ONE, "two": TWO}, run)
    assert found["training"]["steps"] == 2
    assert found["miniature"] is True


@pytest.mark.parametrize(
    ("other", "place"),
    [
        ({"training": {"steps": 20}}, "training.steps"),
        ({"variants": {"A": {"atomic_terms": ["charges", "dipoles"]}}}, "variants.A.atomic_terms"),
        ({"training": 3}, "training"),
    ],
)
def test_studies_that_disagree_are_named_unless_the_run_decides(
    other: dict[str, Any], place: str
) -> None:
    studies = {"one": ONE, "other": other}
    with pytest.raises(ConfigError, match=rf"^{re.escape(place)}: the study 'other' says .*"):
        complete_config(DEFINITIONS, studies, {})
    own: Any = 7
    for key in reversed(place.split(".")):
        own = {key: own}
    found: Any = complete_config(DEFINITIONS, studies, own)
    for key in place.split("."):
        found = found[key]
    assert found == 7


def test_nothing_that_was_read_is_changed() -> None:
    before = copy.deepcopy((DEFINITIONS, ONE, TWO, RUN))
    found: Any = complete_config(DEFINITIONS, {"one": ONE, "two": TWO}, RUN)
    found["networks"]["wide"]["nodes"] = 0
    found["variants"]["A"]["new"] = 0
    assert before == (DEFINITIONS, ONE, TWO, RUN)


def test_a_section_replaces_a_value_and_a_value_a_section() -> None:
    assert merged({"a": 1, "b": {"c": 2}}, {"a": {"d": 3}, "b": 4}) == {"a": {"d": 3}, "b": 4}


def test_a_section_or_row_that_is_null_on_top_is_left_out() -> None:
    base = {"datasets": {"a": {"seed": 1}, "b": {"seed": 2}}, "clip": 0.1}
    found = merged(base, {"datasets": {"a": None}, "clip": None})
    assert found == {"datasets": {"b": {"seed": 2}}, "clip": None}


def test_a_study_without_a_file_is_named() -> None:
    assert study_names({"studies": ["one"]}, ["two", "one"]) == ["one"]
    assert study_names({"studies": "one"}, ["one"]) == []  # the schema says what is wrong
    with pytest.raises(ConfigError, match=r"no 'three' in config/studies; choose among one, two"):
        study_names({"studies": ["three"]}, ["two", "one"])

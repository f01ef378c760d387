"""A short campaign; ``make fuzz`` runs 100,000 cases."""

import pytest
from campaign import content_of, run
from targets import TARGETS, Target

CASES = {"qm9-record": 300, "qm9-archive": 60, "journal": 40}


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_only_clear_errors(target: Target) -> None:
    outcome = run(target, CASES.get(target.name, 20))
    assert outcome.failures == []
    assert outcome.cases == CASES.get(target.name, 20)
    assert outcome.counts["clear errors"] > 0


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_case_is_made_from_its_number_alone(target: Target) -> None:
    assert content_of(target, 3) == content_of(target, 3) != content_of(target, 4)

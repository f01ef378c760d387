"""Older content is upgraded step by step; newer content is refused."""

import pytest

from mepflow.storage.versions import NewerVersionError, upgraded

STEPS = {
    1: lambda content: {**content, "two": True},
    2: lambda content: {"renamed": content["name"], "two": content["two"]},
}


def test_every_step_from_the_version_on_is_taken() -> None:
    first = {"name": "a"}
    assert upgraded(first, 1, STEPS, 3) == {"renamed": "a", "two": True}
    assert upgraded({"name": "a", "two": False}, 2, STEPS, 3) == {"renamed": "a", "two": False}
    assert upgraded({"renamed": "a"}, 3, STEPS, 3) == {"renamed": "a"}
    assert first == {"name": "a"}


def test_a_newer_version_is_named() -> None:
    with pytest.raises(NewerVersionError, match="version 4, this mepflow reads up to 3"):
        upgraded({}, 4, STEPS, 3)


@pytest.mark.parametrize("version", [None, "1", True, 1.0, 0, -1])
def test_what_is_no_version_is_refused(version: object) -> None:
    with pytest.raises(ValueError, match="version"):
        upgraded({}, version, STEPS, 3)

"""Files dated ahead of the clock are named before a run works on them."""

import os
import re
from pathlib import Path

import pytest

from mepflow.errors import StateError
from mepflow.runs.clocks import check_dates

NOW = 1_700_000_000.0


def dated(folder: Path, name: str, seconds: float) -> str:
    path = folder / name
    path.touch()
    os.utime(path, (seconds, seconds))
    return str(path)


def test_files_of_the_past_and_of_now_are_no_fault(tmp_path: Path) -> None:
    names = [dated(tmp_path, "a", NOW - 1e8), dated(tmp_path, "b", NOW), str(tmp_path / "missing")]
    check_dates(names, NOW)


@pytest.mark.parametrize("count", [1, 3, 5])
def test_files_of_the_future_are_named_with_the_remedy(tmp_path: Path, count: int) -> None:
    ahead = [dated(tmp_path, f"file-{number}", NOW + 60) for number in range(count)]
    with pytest.raises(StateError) as caught:
        check_dates([*ahead, dated(tmp_path, "past", NOW - 1)], NOW)
    message = str(caught.value)
    assert "\n" not in message
    assert "past" not in message
    named = re.search("`touch (.*)`", message)
    assert named
    assert named[1].split() == ahead[:3]
    assert ("and 2 others" in message) == (count == 5)

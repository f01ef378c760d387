"""A file is there whole or as it was before."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mepflow.storage.files import atomic_path

PACKAGE = Path(__file__).parents[3] / "workflow" / "scripts"


def test_the_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "new folder" / "table.csv"
    with atomic_path(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
        assert temporary.parent == path.parent
        assert temporary.suffix == ".csv"
        assert temporary.name.startswith(".")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_a_reader_of_the_old_file_keeps_it(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with path.open() as reader:
        with atomic_path(path) as temporary:
            temporary.write_text("whole")
        assert reader.read() == "old"
    assert path.read_text() == "whole"


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_a_failing_block_leaves_the_old_file(tmp_path, failure):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def write_and_fail():
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise failure

    with pytest.raises(failure):
        write_and_fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), atomic_path(path):
        pass
    assert path.read_text() == "old"


def test_two_writers_do_not_meet(tmp_path):
    path = tmp_path / "table.csv"
    with atomic_path(path) as first, atomic_path(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"  # the outer block ends last
    assert list(tmp_path.iterdir()) == [path]


def test_a_killed_writer_leaves_the_old_file(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    script = (
        "import os, signal\n"
        "from mepflow.storage.files import atomic_path\n"
        f"with atomic_path({str(path)!r}) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    process = subprocess.run([sys.executable, "-c", script], env=environment, check=False)
    assert process.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    left = [other.name for other in tmp_path.iterdir() if other != path]
    assert len(left) == 1
    assert left[0].startswith(".table.")
    assert left[0].endswith(".partial.csv")


def test_an_error_of_the_system_names_the_file(tmp_path: Path) -> None:
    target = tmp_path / "a.csv"
    with pytest.raises(OSError, match="No space") as caught, atomic_path(target):
        raise OSError(28, "No space left on device")
    assert caught.value.filename == str(target)
    with pytest.raises(OSError, match="No such") as caught, atomic_path(target) as temporary:
        temporary.read_text()
    assert caught.value.filename == str(target)

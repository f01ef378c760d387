"""A lock is removed where its process is dead, and where nothing else can be true."""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mepflow.runs import run_lock
from mepflow.runs.run_lock import LockOwner, record_owner, remove_dead_locks

CODE = """import sys
from mepflow.runs.run_lock import record_owner
record_owner(sys.argv[1:])
print("recorded", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "0.output.lock"
    path.write_text("results/a\n")
    return path


@pytest.fixture
def process(lock: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a process that has recorded itself as the owner of the lock and goes on."""
    path = os.pathsep.join(sys.path)
    started = subprocess.Popen(
        [sys.executable, "-c", CODE, str(lock)],
        env=os.environ | {"PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert started.stdout
    assert started.stdout.readline() == "recorded\n"
    yield started
    started.kill()
    started.communicate()


def change(lock: Path, **values: object) -> None:
    record = lock.with_name(f"{lock.name}.owner.json")
    record.write_text(json.dumps(json.loads(record.read_text()) | values))


def test_a_lock_is_removed_once_its_process_was_killed(
    lock: Path, process: subprocess.Popen[str]
) -> None:
    assert remove_dead_locks(lock.parent) == []
    assert lock.exists()
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and a zombie still
    (owner,) = remove_dead_locks(lock.parent)
    assert owner.pid == process.pid
    assert list(lock.parent.iterdir()) == []
    assert remove_dead_locks(lock.parent) == []


@pytest.mark.parametrize(
    ("values", "is_removed"),
    [
        ({}, True),
        ({"boot": "another"}, True),
        ({"host": "another"}, False),
        ({"namespace": "pid:[1]"}, False),
        ({"started": ""}, False),
        ({"lock_ns": 1}, False),
        ({"more": 1}, False),
        ({"pid": "text"}, False),
    ],
)
def test_what_is_not_known_to_be_dead_is_left(
    lock: Path, process: subprocess.Popen[str], values: dict[str, object], is_removed: bool
) -> None:
    process.kill()
    process.wait()
    change(lock, **values)
    assert bool(remove_dead_locks(lock.parent)) == is_removed
    assert lock.exists() != is_removed


def test_another_process_with_the_same_id_is_not_the_owner(lock: Path) -> None:
    record_owner([lock])
    assert remove_dead_locks(lock.parent) == []
    change(lock, started="1")
    assert [owner.pid for owner in remove_dead_locks(lock.parent)] == [os.getpid()]


def test_a_lock_without_a_record_is_left(lock: Path) -> None:
    assert remove_dead_locks(lock.parent) == []
    lock.with_name(f"{lock.name}.owner.json").write_text("{")
    assert remove_dead_locks(lock.parent) == []
    assert lock.exists()
    assert remove_dead_locks(lock.parent / "nowhere") == []


def test_a_lock_that_another_run_makes_meanwhile_is_put_back(
    lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_owner([lock])
    dead = dataclasses.replace(LockOwner.this_process(lock), started="1")
    monkeypatch.setattr(run_lock, "_owned", lambda _: [(lock, dead)])
    os.utime(lock, ns=(0, dead.lock_ns + 1))
    assert remove_dead_locks(lock.parent) == []
    assert lock.read_text() == "results/a\n"
    assert not list(lock.parent.glob("*.dead"))

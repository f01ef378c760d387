"""The same command goes on after a kill, and stops before the work where a clock is wrong."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_repository import TINY_ARCHIVE, Repository

pytestmark = pytest.mark.xdist_group("workflow")
ARCHIVE = "results/qm9/molecules/archive.h5"


def test_after_kill_9_the_same_command_goes_on(repository: Repository) -> None:
    script = repository.root / "workflow/scripts/read_archive.py"
    text = script.read_text()
    script.write_text(text.replace("with job(", "import time; time.sleep(600)\nwith job("))
    assert script.read_text() != text
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--configfile=config/tiny.yaml"]
    first = subprocess.Popen(
        [*command, ARCHIVE],
        cwd=repository.root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    locks = repository.root / ".snakemake" / "locks"
    wait_for(locks, "*.owner.json")
    script.write_text(text)

    done = repository.snakemake(ARCHIVE, check=False)
    assert done.returncode != 0
    assert "Directory cannot be locked" in done.stdout + done.stderr
    assert list(locks.glob("*.owner.json")), "the lock of a run that lives was removed"

    os.killpg(first.pid, 9)
    first.wait()
    assert list(locks.glob("*.lock"))
    done = repository.snakemake(ARCHIVE)
    assert f"process {first.pid}) was killed: going on" in done.stdout + done.stderr
    assert (repository.root / ARCHIVE).exists()


def wait_for(folder: Path, pattern: str) -> None:
    end = time.monotonic() + 120
    while not list(folder.glob(pattern)):
        assert time.monotonic() < end, f"no {pattern}"
        time.sleep(0.05)


def test_an_archive_dated_ahead_is_named_before_the_work(repository: Repository) -> None:
    archive = repository.root / TINY_ARCHIVE
    ahead = time.time() + 3 * 3600
    os.utime(archive, (ahead, ahead))
    done = repository.snakemake(ARCHIVE, check=False)
    message = done.stdout + done.stderr
    assert done.returncode != 0
    assert f"{TINY_ARCHIVE} is dated " in message
    assert f"`touch {TINY_ARCHIVE}`, and run again" in message
    assert "clock skew" not in message
    assert not (repository.root / "results/qm9/logs").exists(), "a job has begun"

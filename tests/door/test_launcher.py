"""The command in a clone: through a link, without an environment, with an unknown command."""

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mepflow

ROOT = Path(__file__).resolve().parents[2]


def run(command: Path, *arguments: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Run a command whose ``python3`` is in the folder ``path``, from another folder."""
    environment = {"PATH": f"{path}:/usr/bin:/bin", "HOME": os.environ.get("HOME", "/")}
    return subprocess.run(
        [command, *arguments],
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def bare_python(tmp_path: Path) -> Path:
    """Return a folder whose ``python3`` has the standard library only."""
    python = tmp_path / "bin" / "python3"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    python.chmod(0o755)
    return python.parent


def test_a_symbolic_link_finds_the_clone(tmp_path: Path) -> None:
    (tmp_path / "first").symlink_to(ROOT / "mepflow")
    (tmp_path / "second").symlink_to("first")
    done = run(tmp_path / "second", "--version", path=Path(sys.executable).parent)
    assert (done.returncode, done.stdout) == (0, f"mepflow {mepflow.__version__}\n"), done.stderr


def test_without_an_environment_it_says_what_to_do(tmp_path: Path, bare_python: Path) -> None:
    shutil.copy2(ROOT / "mepflow", tmp_path)
    done = run(tmp_path / "mepflow", "--version", path=bare_python)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "run make install first" in done.stderr


def test_an_unknown_command_is_answered_at_once() -> None:
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = run(ROOT / "mepflow", "predct", path=Path(sys.executable).parent)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert done.returncode == 2
        assert done.stderr == "mepflow: There is no command 'predct': did you mean predict?\n"
    assert min(seconds) < 0.5

"""The short form of the fault tests; ``make test-faults`` does them all."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.xdist_group("workflow")
def test_a_killed_run_ends_with_the_same_results() -> None:
    command = [sys.executable, str(Path(__file__).with_name("run_faults.py")), "--short"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1800)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all recovered" in done.stdout.splitlines()[-1]

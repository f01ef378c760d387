"""The kernels for GPUs compile for real ones and fit into them; no GPU is needed for that."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mepflow

pytest.importorskip("triton")
FOLDER = Path(__file__).parent
SHARED_MEMORY = {80: 163 * 1024, 90: 227 * 1024}
"""What one block of threads can have, in bytes, by compute capability (CUDA programming guide)."""


@pytest.mark.parametrize(("capability", "precision"), [(90, "tf32x3"), (80, "bf16")])
def test_kernels_compile_and_fit(capability: int, precision: str) -> None:
    path = (Path(mepflow.__file__).parents[1], FOLDER.parents[2] / "cases")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    command = [sys.executable, FOLDER / "kernels_compiled.py", str(capability), precision]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, cwd=FOLDER
    )
    assert done.returncode == 0, done.stderr
    kernels = json.loads(done.stdout)
    assert {kernel["name"] for kernel in kernels} == {
        *("pair_interaction", "pair_interaction_gradient", "dense_stack", "dense_stack_gradient"),
        *("segment_sum", "scaled_sum", "scale_gradient"),
    }
    for kernel in kernels:
        assert kernel["shared"] <= SHARED_MEMORY[capability], kernel
        assert kernel["stack"] == 0, kernel
        assert kernel["tensor cores"] == kernel["name"].startswith("dense_stack"), kernel

"""A run on a real SLURM that loses a job and its node ends with the results of an undisturbed one.

Run by `make test-slurm`, as root: it installs SLURM, where need be, and starts its daemons. With
MEPFLOW_SLURM_FULL set, it runs the embedded default instead of a tiny configuration.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from local_slurm import LocalSlurm, SlurmUnavailableError, wait_until
from tiny_repository import ROOT, Repository, copy_repository

CONFIG = "config/slurm.yaml"
TIMES = ("wall_time", "wall_time_s")
"""Columns of how long things took."""
RESULTS = ("*.h5", "*.pt", "*.csv", "*.md")
SHARD = "rule_compute_reference_wildcards_qm9_0"
TRAINING = "rule_train_model_wildcards_qm9_AC-D_1"
OPTIONS = [
    *("--profile", "profiles/slurm"),
    # There is no accounting database here, and no reason to be patient.
    *("--slurm-status-command", "squeue"),
    *("--slurm-init-seconds-before-status-checks", "3"),
    # GPUs in both styles: as `gpu` in the profile, as `gres` here.
    "--set-resources",
    *("train_model:gpu=1", "evaluate_models:gpu=0", "evaluate_models:gres=gpu:1"),
]


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSlurm]:
    local = LocalSlurm(tmp_path_factory.mktemp("slurm"))
    try:
        local.start()
        yield local
    except SlurmUnavailableError as error:
        pytest.skip(f"no SLURM here: {error}")
    finally:
        local.stop()


def repository(folder: Path) -> Repository:
    """Return a copy of the repository with the configuration of this test."""
    copy = copy_repository(folder)
    if os.environ.get("MEPFLOW_SLURM_FULL"):
        config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
        embedded = Path("resources") / "embedded"
        shutil.copytree(ROOT / embedded, copy.root / embedded, dirs_exist_ok=True)
    else:
        config = yaml.safe_load((copy.root / "config" / "tiny.yaml").read_text())
        config["datasets"] = {"qm9": config["datasets"]["qm9"]}
        # Long enough to be interrupted.
        config["training"] |= {"steps": 3000, "validation_interval": 100}
    (copy.root / CONFIG).write_text(yaml.safe_dump(config))
    return copy


def start(copy: Repository, *options: str) -> subprocess.Popen[str]:
    """Start a run, which writes into ``run.log``."""
    command = [sys.executable, "-m", "snakemake", "--configfile", CONFIG, *options]
    with (copy.root / "run.log").open("w") as log:
        return subprocess.Popen(command, cwd=copy.root, stdout=log, stderr=log, text=True)


def finish(copy: Repository, process: subprocess.Popen[str]) -> str:
    """Return what a run printed; it must succeed."""
    status = process.wait(timeout=2 * 3600)
    output = (copy.root / "run.log").read_text()
    assert status == 0, output
    return output


def cancel_a_shard(slurm: LocalSlurm, results: Path) -> None:
    """Cancel the first reference job once it has finished a molecule."""
    folder = results / "reference" / "state" / "0"
    wait_until(lambda: any(folder.glob("*")), "a finished molecule", 900)
    (number,) = slurm.running(SHARD)
    subprocess.run(["scancel", number], check=True)


def crash_in_a_training(slurm: LocalSlurm, results: Path) -> None:
    """Let the node crash, and come back, once a training has a checkpoint."""
    checkpoint = results / "models" / "AC-D" / "seed-1" / "state" / "checkpoint.pt"
    wait_until(checkpoint.exists, "a checkpoint", 3600)
    assert slurm.running(TRAINING)
    slurm.crash_node()
    slurm.start_node()


def test_a_run_survives_a_cancelled_job_and_a_crashed_node(
    slurm: LocalSlurm, tmp_path: Path
) -> None:
    undisturbed, disturbed = repository(tmp_path / "local"), repository(tmp_path / "cluster")
    results = disturbed.root / "results" / "qm9"
    processes = [start(undisturbed, "--cores", "1"), start(disturbed, *OPTIONS)]
    try:
        cancel_a_shard(slurm, results)
        crash_in_a_training(slurm, results)
        for copy, process in zip((undisturbed, disturbed), processes, strict=True):
            finish(copy, process)
    finally:
        for process in processes:
            process.kill()
    states = sorted(state for state, comment in slurm.jobs().values() if comment == SHARD)
    assert states == ["CANCELLED", "COMPLETED"]
    shard_log = (results / "logs" / "compute_reference" / "0.log").read_text()
    assert "finished before" in shard_log
    training_log = (results / "logs" / "train_model" / "AC-D" / "seed-1.log").read_text()
    assert "continuing after step" in training_log
    assert different_files(undisturbed.root / "results", disturbed.root / "results") == []


def different_files(first: Path, second: Path) -> list[str]:
    """Return the result files that are not the same in both folders, times left aside."""
    names = {
        str(path.relative_to(folder))
        for folder in (first, second)
        for pattern in RESULTS
        for path in folder.rglob(pattern)
        if "state" not in path.parts
    }
    assert len(names) > 20
    return sorted(
        name
        for name in names
        if not ((first / name).exists() and (second / name).exists())
        or content(first / name) != content(second / name)
    )


def content(path: Path) -> Any:
    """Return what a result file says, in a form that can be compared, without times."""
    if path.suffix == ".h5":
        return hdf5_content(path)
    if path.suffix == ".pt":
        return plain(torch.load(path, weights_only=True))
    if path.suffix == ".csv":
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        return table.drop(columns=[name for name in TIMES if name in table]).to_dict()
    return path.read_bytes()


def hdf5_content(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
        found.update({f"{name}@{key}": plain(value) for key, value in item.attrs.items()})
        if isinstance(item, h5py.Dataset) and name.split("/")[-1] not in TIMES:
            found[name] = plain(item[()])

    with h5py.File(path) as file:
        visit("", file)
        file.visititems(visit)
    return found


def plain(value: Any) -> Any:
    """Return a value with its arrays as shape, type and bytes."""
    if isinstance(value, torch.Tensor):
        return plain(value.numpy())
    if isinstance(value, np.ndarray) and value.dtype != object:
        return value.shape, str(value.dtype), value.tobytes()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    return value

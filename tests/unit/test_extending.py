"""The walk-throughs of `docs/extending.md`: what they show is applied to a copy and works."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
TRAINING = """
import csv

from training_case import network, paths, table, training  # noqa: F401

from mepflow.models.variants import Variant
from mepflow.training.run import train


def test_the_new_target_is_learned(paths, network, training):
    row = ROW
    training["steps"] = 100
    train(**paths, variant=Variant.from_row("new", row), network=network, training=training, seed=1)
    first, *_, last = csv.DictReader(paths["log_path"].open())
    column = "validation_quadrupole_norm_rmse_e_bohr2"
    assert float(last[column]) < 0.5 * float(first[column])
"""


def blocks(kind: str) -> list[str]:
    text = (ROOT / "docs" / "extending.md").read_text()
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.M | re.S)


def apply(difference: str, root: Path) -> int:
    """Change the files below ``root`` as a difference says; return the number of lines added.

    A hunk goes where its old lines stand, which must be one place.
    """
    added = 0
    for part in re.split(r"^--- .*\n", difference, flags=re.M)[1:]:
        name, *hunks = re.split(r"^@@\n", part, flags=re.M)
        path = root / name.strip().removeprefix("+++ b/")
        for hunk in hunks:
            lines = hunk.splitlines(keepends=True)
            old, new = (
                "".join(line[1:] for line in lines if line[0] in kept) for kept in (" -", " +")
            )
            assert path.read_text().count(old) == 1, f"{path.name} has changed: {old}"
            path.write_text(path.read_text().replace(old, new))
            added += sum(line.startswith("+") for line in lines)
    return added


def test_a_target_is_added_as_the_page_says(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "workflow", tmp_path / "workflow")
    (difference,) = blocks("diff")
    assert apply(difference, tmp_path) == 10
    row = yaml.safe_load(blocks("yaml")[0])["variants"]["AC-DQn"]
    schema = yaml.safe_load((tmp_path / "workflow/schemas/config.schema.yaml").read_text())
    known = schema["$defs"]["variant"]["properties"]["loss_weights"]["properties"]
    assert set(row["loss_weights"]) <= set(known)
    (tmp_path / "test_training.py").write_text(TRAINING.replace("ROW", repr(row)))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_training.py"]
    places = (tmp_path / "workflow" / "scripts", ROOT / "tests" / "cases")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, places))}
    found = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert found.returncode == 0, found.stdout + found.stderr

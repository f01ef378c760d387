"""The workflow runs in a folder of its own, and as a module of another workflow."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tiny_repository import Repository

OUTER = """\
configfile: "outer.yaml"


module mepflow:
    snakefile:
        "{repository}/Snakefile"
    config:
        config["mepflow"]


use rule * from mepflow as mepflow_*


onstart:
    mepflow.onstart()


rule count:
    default_target: True
    input:
        expand("mep/{{dataset}}/molecules/splits.csv", dataset="qm9"),
    output:
        "count.txt",
    shell:
        "wc -l < {{input}} > {{output}}"
"""


def snakemake(folder: Path, *arguments: str | Path) -> None:
    command = [sys.executable, "-m", "snakemake", "--cores", "1", *map(str, arguments)]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr


def planned_rules(results: Path) -> set[str]:
    plan = json.loads((results / "logs" / "plan.json").read_text())
    return {job["rule"] for job in plan}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def test_results_lie_in_the_working_directory(repository: Repository, folder: Path) -> None:
    before = set(repository.root.iterdir())
    splits = "results/qm9/molecules/splits.csv"
    configuration = repository.root / "config" / "tiny.yaml"
    options = ("--snakefile", repository.root / "Snakefile", "--configfile", configuration)
    snakemake(folder.parent, splits, "--directory", folder, *options)
    assert (folder / splits).exists()
    assert {"read_archive", "train_model", "make_page"} <= planned_rules(folder / "results")
    assert set(repository.root.iterdir()) == before


def test_it_is_a_module_of_another_workflow(repository: Repository, folder: Path) -> None:
    (folder / "Snakefile").write_text(OUTER.format(repository=repository.root))
    tiny = yaml.safe_load((repository.root / "config" / "tiny.yaml").read_text())
    (folder / "outer.yaml").write_text(yaml.safe_dump({"mepflow": tiny | {"results": "mep"}}))
    snakemake(folder)
    lines = (folder / "mep/qm9/molecules/splits.csv").read_text().splitlines()
    assert int((folder / "count.txt").read_text()) == len(lines) > 5
    known = {"mepflow_read_archive", "mepflow_train_model", "mepflow_make_page"}
    assert known <= planned_rules(folder / "mep")

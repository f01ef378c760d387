"""What an entry point reaches holds all that really runs, and every file beside the code."""

import ast
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mepflow.archives.qm9_table import read_archive
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.qm.levels import LevelOfTheory
from mepflow.qm.shards import compute_shard
from mepflow.runs.archive_labels import READERS
from mepflow.runs.code_reach import NOT_COUNTED, Reach
from mepflow.runs.package_sources import ROOT, Sources
from mepflow.selection.splits import write_splits
from mepflow.training.run import train
from training_case import NETWORK, TRAINING, VARIANT, paths, table

__all__ = ["paths", "table"]

RULES = ROOT.parents[1] / "rules"
SOURCES = Sources()
TASK, NETWORK_MODULE = "mepflow.training.multipole_task", "mepflow.nn.pinet2.pinet2_network"


def functions_run_by(call: Callable[[], object]) -> set[tuple[str, str]]:
    """Return the module and the name, such as ``Class.method``, of what a call runs of mepflow."""
    codes: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            codes.add(frame.f_code)

    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
    found = set()
    for code in codes:
        path = Path(code.co_filename)
        if path.is_relative_to(ROOT) and not code.co_qualname.startswith("<"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            module = ".".join(["mepflow", *parts]).removesuffix(".__init__")
            found.add((module, code.co_qualname.partition(".<")[0]))
    return found


def is_reached(reach: Reach, module: str, name: str) -> bool:
    """Whether a function or method is among the texts, or in that of its class."""
    first, *method = name.split(".")
    owner = reach.texts.get(f"{module}.{first}")
    if owner is None or not method:
        return owner is not None
    return f"{module}.{name}" in reach.texts or f"name='{method[0]}'" in owner


def shard(folder: Path) -> Callable[[], object]:
    """Write what a shard needs, and return what computes it."""
    water = np.array([[0, 0, 0.2], [1.4, 0, -0.9], [-1.4, 0, -0.9]])
    molecules = [
        Molecule("a", np.array([8, 1, 1], np.uint8), water),
        Molecule("b", np.array([1, 1], np.uint8), np.array([[0.0, 0, 0], [0, 0, 1.4]])),
        Molecule("c", np.array([1, 1], np.uint8), np.array([[0.0, 0, 0], [0, 0, 1.5]])),
    ]
    MoleculeTable.from_molecules(molecules).save(folder / "candidates.h5")
    frame = pd.DataFrame({"id": ["a", "b", "c"], "split": ["test", "train", "validation"]})
    frame["showcase"] = [1, 0, 0]
    write_splits(frame, folder / "splits.csv")
    row = {
        "functional": "pbe",
        "basis": "sto-3g",
        "effective_core_potential": None,
        "density_fitting": "def2-svp-jkfit",
        "dispersion": None,
        "grid_level": 0,
        "convergence_hartree": 1e-8,
        "max_cycles": 50,
    }
    shells = {"kind": "shells", "molecules": "test", "scales": [1.4], "points_per_angstrom2": 0.3}
    surface = {"kind": "surface", "molecules": "showcase", "scale": 1.0}
    surface |= {"spacing_angstrom": 0.5, "smoothing_angstrom": 0.1}
    return partial(
        compute_shard,
        candidates=folder / "candidates.h5",
        splits=folder / "splits.csv",
        output=folder / "0.h5",
        state_folder=folder / "state",
        shard=0,
        shards=1,
        split=None,
        level=LevelOfTheory.from_row("tiny", row),
        grids={"mk": shells, "surface": surface},
        code="1",
    )


def test_a_shard_runs_nothing_else(tmp_path: Path) -> None:
    ran = functions_run_by(shard(tmp_path))
    assert len(ran) > 40
    reach = Reach(SOURCES, ["compute_reference"])
    assert {name for name in ran if not is_reached(reach, *name)} == set()


def test_a_training_runs_nothing_else(paths: dict[str, Path]) -> None:
    training = {**TRAINING, "steps": 10}
    ran = functions_run_by(
        lambda: train(**paths, variant=VARIANT, network=NETWORK, training=training, seed=1)
    )
    assert len(ran) > 80
    reach = Reach(SOURCES, ["train_model", TASK, NETWORK_MODULE])
    assert {name for name in ran if not is_reached(reach, *name)} == set()


def test_a_reader_runs_nothing_else(tmp_path: Path) -> None:
    archive = ROOT.parents[2] / "resources" / "embedded" / "dsgdb9nsd.xyz.tar.bz2"
    ran = functions_run_by(
        lambda: read_archive(archive, tmp_path / "archive.h5", tmp_path / "rejected.csv", 115)
    )
    assert len(ran) > 20
    reach = Reach(SOURCES, ["read_archive", f"{READERS['qm9']}.read_archive"])
    assert {name for name in ran if not is_reached(reach, *name)} == set()


def test_a_function_that_is_not_reached_would_be_seen() -> None:
    reach = Reach(SOURCES, ["tabulate_mep"])
    assert is_reached(reach, "mepflow.tables.mep_table", "mep_table")
    assert not is_reached(reach, "mepflow.tables.multipoles_table", "write_multipole_table")
    assert not is_reached(reach, "mepflow.molecules", "MoleculeTable.concatenate")


def test_nothing_of_tables_and_figures_is_in_a_reference_or_training() -> None:
    for entries in (["compute_reference"], ["train_model", TASK, NETWORK_MODULE]):
        reached = Reach(SOURCES, entries).texts
        assert not [key for key in reached if key.startswith(("mepflow.plots", "mepflow.tables"))]


def test_every_file_beside_the_code_is_reached_by_a_script() -> None:
    files = {
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.*")
        if path.is_file() and path.suffix in (".cpp", ".hpp", ".js", ".css", ".html")
    }
    pages = Reach(SOURCES, ["make_page"]).texts
    trainings = Reach(SOURCES, ["train_model", TASK, NETWORK_MODULE]).texts
    evaluations = Reach(SOURCES, ["evaluate_models"]).texts
    references = Reach(SOURCES, ["compute_reference"]).texts
    assert len(files) > 10
    # No rule calls these.
    of_predict = {"electrostatics/multipole_sets.cpp", "electrostatics/field.cpp"}
    assert files - of_predict <= {*pages, *trainings, *evaluations, *references}
    assert not of_predict & {*pages, *trainings, *evaluations, *references}


RULE = re.compile(r"^ *rule (?P<name>\w+):\n(?P<body>(?:(?:[ \t].*)?\n)+)", re.MULTILINE)
NO_RESULTS = {"download_archive", "status", "verify"}


def test_every_rule_names_its_script() -> None:
    named = {}
    for path in RULES.rglob("*.smk"):
        for match in RULE.finditer(path.read_text()):
            script = re.search(r"scripts/(\w+)\.py", match["body"])
            if script and match["name"] not in NO_RESULTS:
                code = re.search(r'code_digest\(\s*"(\w+)"', match["body"])
                named[match["name"]] = (script[1], code and code[1])
    assert len(named) > 20
    assert {name: pair for name, pair in named.items() if pair[0] != pair[1]} == {}


@pytest.mark.parametrize("name", sorted(NOT_COUNTED - {"mepflow.__version__"}))
def test_what_does_not_count_is_free_of_code(name: str) -> None:
    """Values are words, or an instance made of words and numbers: nothing that computes."""
    module, _, constant = name.rpartition(".")
    (statement,) = SOURCES.module(module).bindings[constant]
    assert isinstance(statement, ast.AnnAssign)
    assert isinstance(statement.value, ast.Dict)
    nodes = list(ast.walk(statement.value))
    called = [ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)]
    assert set(called) <= {"Field"}
    assert not [node for node in nodes if isinstance(node, ast.BinOp | ast.Lambda)]

"""The page of the bench is written between its marks, and takes the charges that there are."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from rdkit import Chem

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "tools"))

import judge_bench  # noqa: E402
import other_charges  # noqa: E402
from other_charges import COSTS, PROGRAMS, Program, write_charges  # noqa: E402

from mepflow.archives.label_file import read_labels  # noqa: E402
from mepflow.judging.charge_readers import read_charges  # noqa: E402
from mepflow.molecules import Molecule  # noqa: E402


def test_what_stands_between_the_marks_is_replaced() -> None:
    page = judge_bench.PAGE.read_text()
    made = judge_bench.with_section(page, "| new |\n")
    assert made.count("| new |") == 1
    assert judge_bench.with_section(made, "| new |\n") == made
    assert made.startswith(page[: page.index("<!-- bench")])
    assert made.endswith(page[page.index("<!-- end of bench") :])
    with pytest.raises(ValueError, match="lacks the marks"):
        judge_bench.with_section("no marks", "")


def test_files_of_other_programs_are_read_and_judged() -> None:
    files = {path.name for path in judge_bench.CHARGES.iterdir()}
    assert files == {program.file for program in PROGRAMS.values()} | {COSTS}
    costs = pd.read_csv(judge_bench.CHARGES / COSTS)
    assert costs.groupby("charges").size().min() >= 16
    assert set(costs["charges"]) == set(PROGRAMS)
    given = judge_bench.arguments()
    for name, program in PROGRAMS.items():
        path = judge_bench.CHARGES / program.file
        assert f"{name}={path}" in given
        found = read_charges(path)
        assert len({one.name for one in found}) == len(found) >= 16
        assert all(one.name.startswith("bench-") for one in found)


def test_a_failure_costs_one_molecule_and_leaves_no_empty_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = read_labels(judge_bench.BENCH)

    def text(molecule: Molecule, _: Chem.Mol) -> str:
        if molecule.id in failing:
            raise subprocess.TimeoutExpired("slow", 1.0)
        return "".join(f"{molecule.id},0.0\n" for _ in range(len(molecule)))

    program = Program("nagl.csv", lambda: True, text)
    monkeypatch.setattr(other_charges, "PROGRAMS", {"NAGL": program})
    monkeypatch.setattr(other_charges, "_HEADS", {"nagl.csv": "name,charge_e\n"})
    failing = {labels.molecule(row).id for row in range(len(labels))}
    write_charges(labels, tmp_path)
    assert not (tmp_path / "nagl.csv").exists()
    failing = {labels.molecule(0).id}
    write_charges(labels, tmp_path)
    names = {one.name for one in read_charges(tmp_path / "nagl.csv")}
    assert names == {labels.molecule(row).id for row in range(1, len(labels))}
    costs = pd.read_csv(tmp_path / COSTS)
    assert set(costs["name"]) == names
    assert (costs["cpu_s"] < 1.0).all()

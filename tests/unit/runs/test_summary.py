"""The last words of a run."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from mepflow.runs.summary import failures, summary

MEP = """\
kind,representation,grid,n_structures,validation_error,median_rmse_kcal_per_mol_e,\
median_rmse_low_kcal_per_mol_e,median_rmse_high_kcal_per_mol_e
model,AC-D,mk,22,0.5,3.1234,2.5,4
model,AC-DQ,mk,22,0.4,3.3,,
baseline,mulliken,mk,22,,2.1,1.9,2.25
baseline,fitted-charges,mk,22,,0.7,0.6,0.8
model,AC-D,shell,22,0.5,9.0,8,10
"""
VERDICTS = """\
id,verdict,reason,detail
a,kept,,
b,kept,,
c,rejected,scf_not_converged,"It has 9 electrons."
d,rejected,charged,
e,rejected,dipole_mismatch,
"""


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def config(tmp_path: Path) -> dict[str, Any]:
    return {"results": str(tmp_path), "datasets": {"qm9": {"headline_grid": "mk"}}}


@pytest.fixture
def plan(tmp_path: Path) -> list[dict[str, Any]]:
    """Return a finished table and a training that has not begun."""
    table = write(tmp_path / "qm9/tables/mep.csv", MEP)
    write(Path(f"{table}.provenance.json"), "{}")
    model = tmp_path / "qm9/models/AC-D/seed-1/model.pt"
    return [
        job("tabulate_mep", table, {}, tmp_path / "qm9/logs/tabulate_mep.log"),
        job(
            "train_model",
            model,
            {"variant": "AC-D", "seed": "1"},
            tmp_path / "qm9/logs/train_model/AC-D/seed-1.log",
        ),
    ]


def job(rule: str, output: Path, wildcards: dict[str, str], log: Path) -> dict[str, Any]:
    own = {"dataset": "qm9"} | wildcards
    return {"rule": rule, "wildcards": own, "outputs": [str(output)], "log": str(log)}


def test_headline_numbers_with_floors(
    config: dict[str, Any], plan: list[dict[str, Any]], tmp_path: Path
) -> None:
    text = summary(config, plan, time.time() - 60)
    words = (
        "median RMSE over 22 test structures on Merz–Kollman shells (MK), with its 95 % interval:"
    )
    assert words in " ".join(text.split())
    lines = text.splitlines()
    first = next(k for k, line in enumerate(lines) if line.startswith("  AC-D "))
    assert lines[first : first + 4] == [
        "  AC-D                3.12  [2.50, 4.00]",
        "  AC-DQ               3.30                  chosen on the validation molecules",
        "  Mulliken charges    2.10  [1.90, 2.25]    not learned",
        "  Fitted charges      0.70  [0.60, 0.80]    floor of charges",
    ]
    assert "9.00" not in text
    assert f"{tmp_path}/qm9/figures" in text
    assert "report.html" not in text
    assert "1 job of the whole run to do" in text


def test_what_was_made_and_left_out(
    config: dict[str, Any], plan: list[dict[str, Any]], tmp_path: Path
) -> None:
    verdicts = write(tmp_path / "qm9/reference/verdicts.csv", VERDICTS)
    write(tmp_path / "report.html")
    text = summary(config, plan, time.time() - 60)
    assert "qm9: 2 of 5 records kept, 1 table\n" in text
    assert (
        "Of the others 1 without a converged reference calculation, 1 with a computed dipole unlike"
        f" the archive's: {verdicts}"
    ) in text
    assert f"{tmp_path}/report.html" in text


def test_numbers_of_earlier_models_are_not_shown(
    config: dict[str, Any], plan: list[dict[str, Any]], tmp_path: Path
) -> None:
    write(tmp_path / "qm9/models/AC-D/seed-1/model.pt")
    write(tmp_path / "qm9/models/AC-D/seed-1/model.pt.provenance.json")
    os.utime(tmp_path / "qm9/tables/mep.csv", (time.time() - 3600,) * 2)
    text = summary(config, plan, time.time() - 60)
    assert f"{tmp_path}/qm9/tables/mep.csv is older than its models." in text
    assert "3.12" not in text


def test_models_of_a_learning_curve_have_a_table_of_their_own(
    config: dict[str, Any], plan: list[dict[str, Any]], tmp_path: Path
) -> None:
    model = write(tmp_path / "qm9/learning_curve/0.5/AC-D/seed-1/model.pt")
    write(Path(f"{model}.provenance.json"), "{}")
    os.utime(tmp_path / "qm9/tables/mep.csv", (time.time() - 30,) * 2)
    plan.append(job("train_on_part", model, {}, tmp_path / "qm9/logs/part.log"))
    text = summary(config, plan, time.time() - 60)
    assert "3.12" in text
    assert "1 model of the learning curve, 1 table" in text


def test_times_are_those_of_this_run(
    config: dict[str, Any], plan: list[dict[str, Any]], tmp_path: Path
) -> None:
    benchmarks = tmp_path / "qm9/benchmarks"
    write(benchmarks / "read.tsv", "s\tcpu_time\n90.0\t50.5\n")
    write(benchmarks / "train_model/AC-D/seed-1.tsv", "s\tcpu_time\n9.0\t9.5\n")
    write(benchmarks / "short.tsv", "s\tcpu_time\n0.1\tNA\n")
    old = write(benchmarks / "old.tsv", "s\tcpu_time\n0.1\t1000\n")
    os.utime(old, (time.time() - 3600,) * 2)
    text = summary(config, plan, time.time() - 600)
    assert "1 job in 10 min, 60 s of processor time" in text


def test_a_run_that_made_nothing_says_nothing(
    config: dict[str, Any], plan: list[dict[str, Any]]
) -> None:
    assert summary(config, plan, time.time() + 60) == ""


def test_failures_name_log_and_reason(config: dict[str, Any], plan: list[dict[str, Any]]) -> None:
    log = write(
        Path(plan[1]["log"]),
        "2026-11-21 13:10:32,168 INFO Process 2 on vm\n"
        "2026-11-21 13:10:33,168 ERROR model.pt is damaged: delete it and run again.\n",
    )
    text = failures(config, plan, time.time() - 60, "snakemake.log")
    assert "Failed:\n  qm9 train_model AC-D seed 1: model.pt is damaged: delete it" in text
    assert str(log) in text
    assert "run the same command again" in text
    assert "snakemake.log" not in text


def test_a_killed_job_is_named(config: dict[str, Any], plan: list[dict[str, Any]]) -> None:
    write(Path(plan[1]["log"]), "2026-11-21 13:10:32,168 INFO Process 2 on vm\n")
    text = failures(config, plan, time.time() - 60, "snakemake.log")
    assert "Ended without a message" in text
    assert "qm9 train_model AC-D seed 1" in text


def test_failures_of_earlier_runs_are_not_told(
    config: dict[str, Any], plan: list[dict[str, Any]]
) -> None:
    write(Path(plan[1]["log"]), "2026-11-21 13:10:33,168 ERROR something\n")
    text = failures(config, plan, time.time() + 60, "snakemake.log")
    assert "something" not in text
    assert "snakemake.log" in text


def test_a_check_that_found_problems_ends_with_them(
    config: dict[str, Any], plan: list[dict[str, Any]], tmp_path: Path
) -> None:
    write(
        tmp_path / "logs/verify.log",
        "2026-11-21 13:10:32,168 INFO Process 2 on vm\n"
        "2026-11-21 13:10:33,168 ERROR results: 2 problems, listed above and in verify.log.\n",
    )
    text = failures(config, plan, time.time() - 60, "snakemake.log")
    assert text.strip() == "results: 2 problems, listed above and in verify.log."
    assert "snakemake.log" in failures(config, plan, time.time() + 60, "snakemake.log")

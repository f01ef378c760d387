"""Verification names what differs from the record or the present workflow, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from mepflow.errors import InputError
from mepflow.runs import provenance, verification
from mepflow.runs.provenance import record_path, write_record
from mepflow.runs.verification import Problem, verify

REMAKE = "delete it and run snakemake"


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Two finished jobs, the second made from an output of the first, and from a raw file."""
    monkeypatch.chdir(tmp_path)
    Path("raw.txt").write_text("raw")
    first = {
        "rule": "read",
        "wildcards": {"dataset": "d"},
        "inputs": ["raw.txt"],
        "outputs": ["results/d/a.h5", "results/d/b.csv"],
        "params": {"code": "1234", "options": {"lowest": 3}, "state": "results/d/state"},
    }
    second = {
        "rule": "use",
        "wildcards": {"dataset": "d"},
        "inputs": ["results/d/b.csv", "raw.txt"],
        "outputs": ["results/d/c.csv"],
        "params": {"code": "5678", "shape": (1, 2)},
    }
    for job in (first, second):
        run(job)
    return [second, first]


def run(job: dict[str, Any]) -> None:
    for name in job["outputs"]:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(f"content of {Path(name).name}")
    arguments = (job["rule"], job["wildcards"], job["inputs"], job["outputs"], job["params"])
    write_record("results", *arguments)


def problems(plan: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(p.path, p.reason, p.remedy) for p in verify("results", plan).problems]


@pytest.mark.parametrize("threads", [1, 4])
def test_what_is_as_recorded(plan: list[dict[str, Any]], threads: int) -> None:
    found = verify("results", plan, threads)
    assert (found.compared, found.problems, found.notes) == (4, [], [])
    assert found.report() == "4 files compared with the records: 0 problems"


@pytest.mark.parametrize("name", ["results/d/a.h5", "results/d/b.csv", "results/d/c.csv"])
def test_every_flipped_bit_is_found_and_named_once(plan: list[dict[str, Any]], name: str) -> None:
    path = Path(name)
    content = bytearray(path.read_bytes())
    for place in range(len(content)):
        content[place] ^= 1
        path.write_bytes(content)
        assert problems(plan) == [(name, "has changed since it was made", REMAKE)]
        content[place] ^= 1


def test_a_time_alone_is_no_change(plan: list[dict[str, Any]]) -> None:
    Path("results/d/a.h5").touch()
    assert problems(plan) == []


def test_what_is_gone(plan: list[dict[str, Any]]) -> None:
    Path("results/d/b.csv").unlink()
    found = verify("results", plan)
    assert found.problems == [Problem("results/d/b.csv", "is gone, its record is there", REMAKE)]
    assert found.notes == []


def test_another_raw_file(plan: list[dict[str, Any]]) -> None:
    Path("raw.txt").write_text("other")
    assert [(path, reason) for path, reason, _ in problems(plan)] == [
        ("raw.txt", "has changed since results/d/c.csv was made from it"),
        ("raw.txt", "has changed since results/d/a.h5 was made from it"),
    ]
    Path("raw.txt").unlink()
    assert {reason for _, reason, _ in problems(plan)} == {"is gone"}


def test_no_record(plan: list[dict[str, Any]]) -> None:
    record_path("results/d/a.h5").unlink()
    reason = "has no record"
    assert problems(plan) == [
        ("results/d/a.h5", reason, REMAKE),
        ("results/d/b.csv", reason, REMAKE),
    ]


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", "null", '{"rule": 1}', '{"inputs": {"a": 1}}', "[" * 100_000]
)
def test_a_damaged_record(plan: list[dict[str, Any]], content: str) -> None:
    record = record_path("results/d/c.csv")
    record.write_text(content)
    assert problems(plan) == [(str(record), "is damaged", REMAKE)]


def test_a_record_of_other_outputs(plan: list[dict[str, Any]]) -> None:
    record = record_path("results/d/c.csv")
    content = json.loads(record.read_text())
    content["outputs"] = {}
    record.write_text(json.dumps(content))
    assert problems(plan) == [("results/d/c.csv", "is not in the record beside it", REMAKE)]


def test_stale_results_are_named_with_what_differs(plan: list[dict[str, Any]]) -> None:
    plan[1]["params"] = {"code": "1234", "options": {"lowest": 4}, "state": "s"}
    plan[0]["params"] = {"code": "56", "shape": [1, 2]}
    assert problems(plan) == [
        ("results/d/a.h5", "was made with another options.lowest, state", "run snakemake"),
        ("results/d/c.csv", "was made by another version of the code", "run snakemake"),
    ]


def test_other_inputs(plan: list[dict[str, Any]]) -> None:
    Path("new.txt").write_text("")
    plan[0]["inputs"] = ["results/d/b.csv", "new.txt"]
    assert problems(plan) == [
        ("results/d/c.csv", "was made without the input new.txt", "run snakemake"),
        ("results/d/c.csv", "was made from raw.txt, which is no input any more", "run snakemake"),
    ]


def test_another_script(plan: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "script_digest", {"read": "x", "use": None}.get)
    assert problems(plan) == [
        ("results/d/a.h5", "was made by another version of the code", "run snakemake")
    ]


def test_remarks(plan: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    here = {**provenance.software_versions(), "numpy": "0.1"}
    here.pop("torch")
    monkeypatch.setattr(verification, "software_versions", lambda: here)
    torch, numpy = (provenance.software_versions()[name] for name in ("torch", "numpy"))
    Path("results/notes.txt").write_text("mine")
    for hidden in ("results/logs/a.log", "results/d/state/0/x", "results/d/.x.partial"):
        Path(hidden).parent.mkdir(parents=True, exist_ok=True)
        Path(hidden).write_text("")
    plan.append({"rule": "later", "inputs": [], "outputs": ["results/d/z.csv"], "params": {}})
    found = verify("results", plan)
    assert found.problems == []
    assert found.notes == [
        "1 results are not there yet",
        f"2 jobs ran with numpy {numpy}, here is 0.1",
        f"2 jobs ran with torch {torch}, not installed here",
        "results/notes.txt is no result of this run",
    ]
    assert found.report().endswith("Note: results/notes.txt is no result of this run")


def test_a_copy_elsewhere_is_verified_as_itself(plan: list[dict[str, Any]]) -> None:
    Path("results").rename("moved")
    moved = json.loads(json.dumps(plan).replace("results/", "moved/"))
    assert verify("moved", moved).problems == []
    Path("moved/d/b.csv").write_text("x")
    assert [p.path for p in verify("moved", moved).problems] == ["moved/d/b.csv"]


def test_nothing_there_is_an_error(plan: list[dict[str, Any]]) -> None:
    Path("results").rename("moved")
    with pytest.raises(InputError, match="results holds no results of this run"):
        verify("results", plan)


def test_the_table_has_a_row_for_each_problem(plan: list[dict[str, Any]]) -> None:
    Path("results/d/a.h5").write_text("")
    lines = verify("results", plan).report().splitlines()
    assert lines[0] == "4 files compared with the records: 1 problems"
    assert lines[2].split() == ["file", "what", "is", "wrong", "what", "to", "do"]
    assert lines[3].startswith("results/d/a.h5  has changed since it was made  delete it")

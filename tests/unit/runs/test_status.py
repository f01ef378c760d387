"""What of a run is finished, running, failed or to do."""

import json
import logging
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mepflow.errors import InputError, StateError
from mepflow.runs.jobs import job as run_job
from mepflow.runs.status import PLAN_FILE, JobStatus, State, read_plan, report, status, write_plan

START = "2026-11-21 13:10:32,168 INFO Process 2 on vm\n"
STEP = (
    "2026-11-21 13:10:37,813 INFO AC-D step 100/1500, epoch 11.8: loss 0.08369, validation loss "
    "0.03091 (best), dipole RMSE 0.1758 e bohr, quadrupole RMSE 2.172 e bohr^2, 1 s\n"
)


@pytest.fixture
def plan(tmp_path: Path) -> list[dict[str, Any]]:
    """Return two shards, a training and a figure, of which nothing has begun."""
    jobs = [
        ("compute_reference", {"shard": str(shard)}, f"reference/{shard}.h5") for shard in (0, 1)
    ]
    jobs += [("train_model", {"variant": "AC-D", "seed": "1"}, "models/model.pt")]
    jobs += [("plot_mep_error", {}, "figures/mep_error.png")]
    return [
        {
            "rule": rule,
            "wildcards": {"dataset": "qm9"} | wildcards,
            "outputs": [f"{tmp_path}/qm9/{output}"],
            "log": f"{tmp_path}/qm9/logs/{output}.log",
            "params": {"not": "written"},
        }
        for rule, wildcards, output in jobs
    ]


def write(path: str, text: str = "") -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def finish(job: dict[str, Any]) -> None:
    for output in job["outputs"]:
        write(output)
    write(f"{job['outputs'][0]}.provenance.json")


def states(plan: list[dict[str, Any]]) -> list[State]:
    return [job.state for job in status(plan)]


def only(plan: list[dict[str, Any]], state: State) -> JobStatus:
    (job,) = [job for job in status(plan) if job.state is state]
    return job


def test_nothing_has_begun(plan: list[dict[str, Any]]) -> None:
    assert states(plan) == [State.TO_DO] * 4


def test_finished_needs_every_output_and_the_record(plan: list[dict[str, Any]]) -> None:
    plan[0]["outputs"].append(plan[0]["outputs"][0] + ".csv")
    finish(plan[0])
    assert only(plan, State.FINISHED).made is not None
    Path(plan[0]["outputs"][1]).unlink()
    assert states(plan) == [State.TO_DO] * 4
    write(plan[0]["log"], START)
    assert states(plan) == [State.TO_DO] * 4
    write(plan[0]["outputs"][1])
    Path(plan[0]["outputs"][0] + ".provenance.json").unlink()
    assert only(plan, State.STOPPED).name == "qm9 compute_reference shard 0"


def test_a_job_runs_while_its_log_is_locked(
    plan: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", root.handlers[:])
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    training = plan[2]
    snakemake = SimpleNamespace(
        threads=1,
        rule="train_model",
        input=[],
        output=training["outputs"],
        config={"results": str(tmp_path)},
        log=[training["log"]],
        params={},
        wildcards=training["wildcards"],
    )
    with run_job(snakemake):
        assert only(plan, State.RUNNING).detail == ""
        logging.getLogger("mepflow").info("AC-D step 100/1500, epoch 11.8: loss 0.08")
        running = only(plan, State.RUNNING)
        write(training["outputs"][0])
    assert running.detail == "step 100 of 1500"
    assert only(plan, State.FINISHED).rule == "train_model"


@pytest.mark.parametrize(
    ("log", "detail"),
    [
        (START, ""),
        (START + STEP, "step 100 of 1500"),
        (START + "x x INFO AC-D, seed 1: continuing after step 700\n", "step 700"),
        (START + STEP + STEP.replace("100", "200"), "step 200 of 1500"),
        (START + "x x INFO Shard 1 of 12: 9 molecules at b3lyp\n", "0 of 9 molecules"),
        (
            START
            + "x x INFO Shard 1 of 12: 9 molecules at b3lyp\n"
            + "x x INFO 3/9 gdb_000027: 4 atoms, 9 cycles, 2.6 s\n",
            "3 of 9 molecules",
        ),
    ],
)
def test_how_far_a_killed_job_had_come(plan: list[dict[str, Any]], log: str, detail: str) -> None:
    write(plan[0]["log"], log)
    assert only(plan, State.STOPPED).detail == detail


def test_the_reason_of_a_failure(plan: list[dict[str, Any]]) -> None:
    write(plan[0]["log"], START + "a b ERROR a.h5 is damaged: delete it and run again.\n")
    write(
        plan[1]["log"],
        START + "a b ERROR Rule compute_reference failed\nTraceback (most recent call last):\n"
        '  File "x.py", line 1\nKeyError: 3\n',
    )
    reasons = [job.detail for job in status(plan) if job.state is State.FAILED]
    assert reasons == ["a.h5 is damaged: delete it and run again.", "KeyError: 3"]


def test_the_report_fits_a_terminal(plan: list[dict[str, Any]]) -> None:
    finish(plan[0])
    write(plan[1]["log"], START + "a b ERROR " + "many words " * 30 + "\n")
    write(plan[2]["log"], START + STEP)
    text = report(status(plan))
    lines = text.splitlines()
    paths = [f"    {plan[number]['log']}" for number in (1, 2)]
    assert set(paths) <= set(lines)
    assert all(len(line) <= 80 for line in lines if line not in paths)
    assert [line.split() for line in lines[1:5]] == [
        ["qm9"],
        ["reference", "shards", "2", "1", "1"],
        ["models", "1", "1"],
        ["figures", "1", "1"],
    ]
    columns = {state: lines[0].index(str(state)) + len(str(state)) for state in State}
    assert lines[2][columns[State.FINISHED] - 1] == "1"
    assert lines[2][columns[State.FAILED] - 1] == "1"
    assert lines[3][columns[State.STOPPED] - 1] == "1"
    assert lines[4][columns[State.TO_DO] - 1] == "1"
    assert "qm9 train_model AC-D seed 1: step 100 of 1500" in text


def test_jobs_of_all_datasets_come_last(plan: list[dict[str, Any]], tmp_path: Path) -> None:
    page = {"rule": "make_page", "wildcards": {}, "outputs": [f"{tmp_path}/report.html"]}
    lines = report(status([page | {"log": f"{tmp_path}/page.log"}, *plan])).splitlines()
    assert lines[-2:] == ["all datasets", f"  page{1:>20}{1:>50}"]


def test_many_jobs_are_cut_short(tmp_path: Path) -> None:
    log = tmp_path / "shard.log"
    log.write_text(START)
    jobs = [
        JobStatus("compute_reference", {"shard": str(n)}, [f"{n}"], log, State.STOPPED, "")
        for n in range(50)
    ]
    text = report(jobs)
    assert text.endswith("  and 30 more: ./mepflow status --all")
    assert text.count("compute_reference") == 20
    assert text.index("shard 2\n") < text.index("shard 10\n")
    assert report(jobs, every_job=True).count("compute_reference") == 50


def test_every_job_is_named_where_asked_for(plan: list[dict[str, Any]]) -> None:
    finish(plan[2])
    lines = report(status(plan), every_job=True).splitlines()
    assert lines[lines.index("finished:") + 1] == "  qm9 train_model AC-D seed 1"
    assert lines[lines.index("to do:") + 1] == "  qm9 compute_reference shard 0"
    assert "finished:" not in report(status(plan))


def test_a_plan_moves_with_its_folder(plan: list[dict[str, Any]], tmp_path: Path) -> None:
    finish(plan[3])
    write_plan(str(tmp_path), plan)
    shutil.copytree(tmp_path, tmp_path / "copy")
    copied = read_plan(tmp_path / "copy")
    assert states(copied) == states(plan)
    assert copied[3]["outputs"] == [f"{tmp_path}/copy/qm9/figures/mep_error.png"]
    assert all("params" not in job for job in copied)


def test_no_plan_or_a_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist: start a run"):
        read_plan(tmp_path)
    for content in ("{", "[1]", '[{"rule": "a"}]', "null"):
        write(f"{tmp_path}/{PLAN_FILE}", content)
        with pytest.raises(InputError, match="is damaged"):
            read_plan(tmp_path)


def test_a_folder_that_takes_no_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(StateError, match="the disk is full"):
        write_plan(str(tmp_path), [])


def test_command_line_imports_nothing_heavy(plan: list[dict[str, Any]], tmp_path: Path) -> None:
    write_plan(str(tmp_path), plan)
    code = (
        "import sys; from mepflow.__main__ import main; status = main(sys.argv[1:]); "
        "assert not {'torch', 'numpy', 'snakemake'} & set(sys.modules); sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "status", str(tmp_path)],
        env={"PYTHONPATH": str(Path(__file__).parents[3] / "workflow" / "scripts")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "reference shards" in done.stdout
    assert json.loads((tmp_path / PLAN_FILE).read_text())[0]["rule"] == "compute_reference"

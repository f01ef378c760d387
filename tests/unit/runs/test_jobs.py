"""What a job does around its call."""

import errno
import fcntl
import json
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mepflow.errors import InputError
from mepflow.runs.jobs import job


@pytest.fixture
def snakemake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "7")
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", root.handlers[:])
    output = tmp_path / "table.csv"
    output.write_text("x\n")
    return SimpleNamespace(
        threads=3,
        rule="make_table",
        input=[],
        output=[str(output)],
        config={"results": str(tmp_path)},
        log=[str(tmp_path / "logs" / "job.log")],
        params={"a": 1},
        wildcards={"dataset": "qm9"},
    )


def test_provenance_and_log(snakemake: Any) -> None:
    with job(snakemake):
        assert os.environ["OMP_NUM_THREADS"] == "3"
        logging.getLogger("mepflow.test").info("hello")
    assert "hello" in Path(snakemake.log[0]).read_text()
    record = json.loads(Path(snakemake.output[0] + ".provenance.json").read_text())
    assert record["rule"] == "make_table"
    assert record["params"] == {"a": 1}
    assert record["wildcards"] == {"dataset": "qm9"}
    assert list(record["outputs"]) == snakemake.output


@pytest.mark.parametrize(
    ("wildcards", "speaker"),
    [
        ({"dataset": "qm9"}, "qm9 make table"),
        ({"dataset": "qm9", "shard": "3"}, "qm9 shard 3"),
        ({"dataset": "qm9", "variant": "AC-{D}", "seed": "1"}, "qm9 AC-{D} seed 1"),
        ({}, "make table"),
    ],
)
def test_lines_on_the_terminal_say_whose_they_are(
    snakemake: Any, capsys: pytest.CaptureFixture[str], wildcards: dict[str, str], speaker: str
) -> None:
    snakemake.wildcards = wildcards
    with job(snakemake):
        logging.getLogger("mepflow.test").info("4/9 {gdb} 100 %%")
    assert capsys.readouterr().err == f"{speaker} | 4/9 {{gdb}} 100 %%\n"
    assert " INFO Process " in Path(snakemake.log[0]).read_text()


def test_bad_input_is_one_sentence_and_a_status(snakemake: Any) -> None:
    with pytest.raises(SystemExit) as caught, job(snakemake):
        raise InputError("a.xyz is empty: fetch it again.")
    assert caught.value.code == 1
    text = Path(snakemake.log[0]).read_text()
    assert text.strip().endswith("ERROR a.xyz is empty: fetch it again.")
    assert "Traceback" not in text
    assert not Path(snakemake.output[0] + ".provenance.json").exists()


def test_a_defect_is_logged_with_its_traceback(snakemake: Any) -> None:
    with pytest.raises(ZeroDivisionError), job(snakemake):
        raise ZeroDivisionError
    assert "Traceback" in Path(snakemake.log[0]).read_text()


def test_libraries_are_heard_from_warnings_on(snakemake: Any) -> None:
    with job(snakemake):
        logging.getLogger("fontTools").info("chatter")
        logging.getLogger("fontTools").warning("trouble")
    text = Path(snakemake.log[0]).read_text()
    assert "trouble" in text
    assert "chatter" not in text


def test_a_job_without_outputs_leaves_no_record(snakemake: Any, tmp_path: Path) -> None:
    snakemake.output = []
    with job(snakemake):
        pass
    assert not list(tmp_path.glob("*.provenance.json"))


def test_a_failed_job_leaves_no_record_of_an_earlier_one(snakemake: Any) -> None:
    with job(snakemake):
        pass
    record = Path(snakemake.output[0] + ".provenance.json")
    assert record.exists()
    with pytest.raises(SystemExit), job(snakemake):
        raise InputError("a.xyz is empty.")
    assert not record.exists()


def test_a_full_disk_is_one_sentence(snakemake: Any) -> None:
    with pytest.raises(SystemExit), job(snakemake):
        raise OSError(errno.ENOSPC, "No space left on device", "results/a.h5")
    text = Path(snakemake.log[0]).read_text()
    assert "ERROR results/a.h5 could not be written, the disk is full" in text
    assert "Traceback" not in text


def test_what_a_kill_left_half_written_is_removed(snakemake: Any) -> None:
    output = Path(snakemake.output[0])
    leftover = output.with_name(".table.0123abcd.partial.csv")
    other = output.with_name(".tables.0123abcd.partial.csv")
    leftover.touch()
    other.touch()
    with job(snakemake):
        assert not leftover.exists()
    assert other.exists()


HOLDER = """
import fcntl, sys, time
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("12:00 INFO Process 7 on here", file=file, flush=True)
print("locked", flush=True)
time.sleep(600)
"""


def test_a_process_that_does_the_same_job_is_waited_for(
    snakemake: Any, caplog: pytest.LogCaptureFixture
) -> None:
    log = Path(snakemake.log[0])
    log.parent.mkdir()
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(log)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"locked\n"
    threading.Timer(0.5, holder.kill).start()
    with job(snakemake):
        assert "Waiting for a process of an earlier run: 12:00 INFO Process 7" in caplog.text
        assert holder.wait(1) != 0  # the lock went with the process
        with log.open() as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    holder.stdout.close()
    with log.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_file_system_without_locks_is_worked_on(
    snakemake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(*_: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", without)
    with job(snakemake):
        pass
    assert Path(snakemake.output[0] + ".provenance.json").exists()

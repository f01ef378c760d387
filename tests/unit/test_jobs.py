"""What a job does around its call."""

import json
import logging
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mepflow.errors import InputError
from mepflow.jobs import job


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

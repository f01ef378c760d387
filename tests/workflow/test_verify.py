"""``snakemake verify`` on a finished run, on a damaged one, and under changed settings."""

import json
import shutil

import pytest
from tiny_repository import Repository

pytestmark = pytest.mark.xdist_group("workflow")


def found(repository: Repository, *arguments: str) -> tuple[int, str]:
    done = repository.snakemake("verify", *arguments, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_finished_run_is_as_recorded(finished: Repository) -> None:
    status, output = found(finished)
    assert status == 0, output
    assert "files compared with the records: 0 problems" in output
    assert "Note:" not in output
    assert finished.planned() == {}


def test_every_result_is_in_one_record(finished: Repository) -> None:
    results = finished.root / "results"
    recorded: list[str] = []
    for path in results.rglob("*.provenance.json"):
        record = json.loads(path.read_text())
        recorded += record["outputs"]
        assert record["params"]["code"]
        assert record["script"]
        assert all(len(entry["sha256"]) == 64 for entry in record["inputs"].values())
        if record["rule"] in ("train_model", "split_molecules"):
            assert record["seed"] == 1
    files = {
        str(path.relative_to(finished.root))
        for path in results.rglob("*")
        if path.is_file() and not path.name.endswith((".provenance.json", "run.json"))
    }
    others = {name for name in files if {"logs", "benchmarks", "state"} & set(name.split("/"))}
    assert sorted(recorded) == sorted(files - others)


def test_one_changed_bit_of_a_copy_is_named(finished: Repository, rerun: Repository) -> None:
    shutil.copytree(rerun.root / "results", rerun.root / "copy")
    shard = rerun.root / "copy/qm9/reference/shards/0.h5"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    status, output = found(rerun, "--config", "results=copy")
    assert status != 0
    assert "1 problems" in output, output
    assert "copy/qm9/reference/shards/0.h5  has changed since it was made" in output
    assert found(rerun)[0] == 0


def test_changed_settings_and_code_are_named(rerun: Repository) -> None:
    rerun.configure({"figures": {"style": "serif", "showcase_variants": ["AC-D"]}})
    filters = rerun.root / "workflow/scripts/mepflow/selection/filters.py"
    filters.write_text(filters.read_text() + "\nassert True\n")
    status, output = found(rerun)
    assert status != 0
    assert "figures/mep_error.png" in output
    assert "was made with another style" in output
    assert "was made from results/qm9/models/AC-AD-DQ-dw100-c" in output
    candidates = next(line for line in output.splitlines() if "candidates.h5" in line)
    assert "was made by another version of the code" in candidates

"""Records hold what a result was made from, and with which settings and software."""

from pathlib import Path

import pytest

from mepflow.runs import provenance
from mepflow.runs.code_digest import script_digest
from mepflow.runs.provenance import file_digest, plain, read_record, record_path, write_record

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_record_holds_checksums_versions_and_the_seed(tmp_path: Path) -> None:
    source, output = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_text("abc")
    output.write_text("abc")
    params = {"a": {"b": Path("x")}, "split": {"seed": 7}}
    write_record("results", "train_model", {"shard": "1"}, [str(source)], [str(output)], params)
    record = read_record(record_path(output))
    for name, group in ((source, "inputs"), (output, "outputs")):
        assert record[group][str(name)]["sha256"] == ABC
        assert record[group][str(name)]["bytes"] == 3
    assert record["software"]["numpy"]
    assert record["params"] == plain(params) == {"a": {"b": "x"}, "split": {"seed": 7}}
    assert record["seed"] == 7
    assert record["script"] == script_digest("train_model") != script_digest("evaluate_models")
    assert record["host"]
    assert record["used"]["cpu_s"] > 0.01
    assert 10 < record["used"]["peak_mb"] < 1e5
    assert (record["results"], record["rule"]) == ("results", "train_model")


def test_the_wildcard_is_the_seed_of_a_training(tmp_path: Path) -> None:
    output = tmp_path / "out.txt"
    output.write_text("abc")
    write_record("results", "r", {"seed": "3"}, [], [str(output)], {"seed": 5})
    assert read_record(record_path(output))["seed"] == 3


def test_a_folder_has_a_checksum_of_names_and_contents(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    digests = set()
    for name, content in (("a", "x"), ("a", "y"), ("b", "y")):
        (folder / name).write_text(content)
        digests.add(file_digest(folder))
    (folder / "a").unlink()
    digests.add(file_digest(folder))
    assert len(digests) == 4


def test_a_large_input_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "_LARGE_BYTES", 2)
    large = tmp_path / "large.h5"
    large.write_text("abc")
    other = tmp_path / "first.h5"
    other.write_text("x")
    write_record("results", "make", {}, [], [str(other), str(large)], {})
    read: list[Path] = []
    monkeypatch.setattr(provenance, "file_digest", lambda path: read.append(path) or "new")

    def recorded() -> str:
        write_record("results", "use", {}, [str(large)], [str(tmp_path / "o.h5")], {})
        return str(read_record(record_path(tmp_path / "o.h5"))["inputs"][str(large)]["sha256"])

    (tmp_path / "o.h5").write_text("x")
    assert recorded() == ABC
    assert large not in read
    large.write_text("abd")  # of the same size, at another time
    assert recorded() == "new"
    assert large in read

"""Digests of code see what decides a number, and nothing else."""

from pathlib import Path

import pytest

from mepflow.runs import code_digest as code_digest_module
from mepflow.runs import provenance
from mepflow.runs.code_digest import code_digest, import_closure, script_digest
from mepflow.runs.provenance import file_digest, plain, read_record, record_path, write_record


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "top.py").write_text("from mepflow.sub import low\n\nX = low.F(1)\n")
    (tmp_path / "sub" / "__init__.py").write_text("")
    (tmp_path / "sub" / "low.py").write_text('"""Text."""\n\ndef F(x):\n    return x\n')
    (tmp_path / "other.py").write_text("Y = 2\n")
    monkeypatch.setattr(code_digest_module, "_ROOT", tmp_path)
    return tmp_path


def digest(*modules: str) -> str:
    code_digest.cache_clear()
    return code_digest(*modules)


def test_closure_follows_imports(package: Path) -> None:
    assert import_closure(["mepflow.top"]) == {"mepflow.top", "mepflow.sub", "mepflow.sub.low"}


def test_digest_changes_with_an_imported_module_alone(package: Path) -> None:
    before = digest("mepflow.top")
    (package / "other.py").write_text("Y = 3\n")
    assert digest("mepflow.top") == before
    (package / "sub" / "low.py").write_text("def F(x):\n    return x + 1\n")
    assert digest("mepflow.top") != before


def test_comments_docstrings_and_layout_do_not_count(package: Path) -> None:
    before = digest("mepflow.top")
    text = '"""Other."""\n\n# why\ndef F(x):\n    """Text."""\n    return (x)\n'
    (package / "sub" / "low.py").write_text(text)
    assert digest("mepflow.top") == before


def test_compiled_sources_count(package: Path) -> None:
    (package / "sub" / "low.py").write_text("SOURCE = 'loops.cpp'\n\n\ndef F(x):\n    return x\n")
    others, before = digest("mepflow.other"), digest("mepflow.top")
    (package / "sub" / "others.cpp").write_text("int g() { return 2; }\n")
    assert digest("mepflow.top") == before
    (package / "sub" / "loops.cpp").write_text("int f() { return 1; }\n")
    assert digest("mepflow.top") != before
    assert digest("mepflow.other") == others


def test_unknown_module_is_an_error(package: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        digest("mepflow.nowhere")


def test_plots_are_not_among_what_decides_numbers() -> None:
    for module in ("mepflow.qm.shards", "mepflow.training.run", "mepflow.selection.filters"):
        closure = import_closure([module])
        assert not any(name.startswith("mepflow.plots") for name in closure)
    assert "mepflow.training.trainer" in import_closure(["mepflow.training.run"])
    assert "mepflow.training.run" not in import_closure(["mepflow.qm.shards"])


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

"""Digests of code see what decides a number, and nothing else."""

import json
from pathlib import Path

import pytest

from mepflow import provenance
from mepflow.provenance import code_digest, import_closure, write_record


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "top.py").write_text("from mepflow.sub import low\n\nX = low.F(1)\n")
    (tmp_path / "sub" / "__init__.py").write_text("")
    (tmp_path / "sub" / "low.py").write_text('"""Text."""\n\ndef F(x):\n    return x\n')
    (tmp_path / "other.py").write_text("Y = 2\n")
    monkeypatch.setattr(provenance, "_ROOT", tmp_path)
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


def test_unknown_module_is_an_error(package: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        digest("mepflow.nowhere")


def test_plots_are_not_among_what_decides_numbers() -> None:
    for module in ("mepflow.qm.shards", "mepflow.training.run", "mepflow.filters"):
        closure = import_closure([module])
        assert not any(name.startswith("mepflow.plots") for name in closure)
    assert "mepflow.nn.pinet2" in import_closure(["mepflow.training.run"])
    assert "mepflow.training.run" not in import_closure(["mepflow.qm.shards"])


def test_record_holds_inputs_and_versions(tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    source.write_text("abc")
    write_record(tmp_path / "r.json", "rule", {"shard": "1"}, [str(source)], {"a": 1})
    record = json.loads((tmp_path / "r.json").read_text())
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert record["inputs"][str(source)]["sha256"] == expected
    assert record["inputs"][str(source)]["bytes"] == 3
    assert record["software"]["numpy"]
    assert record["params"] == {"a": 1}

"""Files and settings are data: nothing in them is run, unpickled, or taken for a shell's words."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "workflow" / "scripts").rglob("*.py")) + sorted(
    (ROOT / "tools").glob("*.py")
)
RULES = [ROOT / "Snakefile", *sorted((ROOT / "workflow" / "rules").rglob("*.smk"))]
SCHEMA = yaml.safe_load((ROOT / "workflow" / "schemas" / "config.schema.yaml").read_text())
SAFE = {"np.load": ("allow_pickle", False), "torch.load": ("weights_only", True)}
"""Readers that unpickle unless told otherwise, and what tells them."""
UNSAFE = re.compile(
    r"(pickle|cPickle|marshal|shelve|joblib)\.\w*loads?"
    r"|(pd|pandas)\.read_(pickle|hdf)|yaml\.(load|load_all|unsafe_load|full_load)"
    r"|eval|exec|os\.(system|popen)|subprocess\.getoutput|.*\.extract(all)?|shutil\.unpack_archive"
    r"|tarfile\.TarFile\.extract(all)?"
)


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_runs_what_a_file_holds(path: Path) -> None:
    for name, call in calls(path):
        assert not UNSAFE.fullmatch(name), f"{path}:{call.lineno} calls {name}"
        keywords = {k.arg: getattr(k.value, "value", None) for k in call.keywords}
        assert keywords.get("shell") is not True, f"{path}:{call.lineno} starts a shell"
        if name in SAFE:
            keyword, value = SAFE[name]
            assert keywords.get(keyword) is value, f"{path}:{call.lineno} lacks {keyword}={value}"


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_no_rule_starts_a_shell(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"^\s+(shell|run|wrapper|notebook|template_engine):", text, re.MULTILINE)
    assert not re.search(r"\bshell\(|yaml\.load\(|os\.system", text)


def accepted(section: dict[str, Any], value: Any) -> bool:
    return bool(jsonschema.Draft202012Validator(section).is_valid(value))


@pytest.mark.parametrize(
    "text",
    [
        "; rm -rf ~",
        "$(id)",
        "`id`",
        "a{x}",
        "a|b",
        "a&b",
        "a>b",
        "a*",
        "a\nb",
        "a\n",
        "a'b",
        "\x1b[",
    ],
)
def test_a_folder_of_results_with_a_shell_s_characters_is_refused(text: str) -> None:
    assert not accepted(SCHEMA["properties"]["results"], text)


@pytest.mark.parametrize(
    "text", ["results", "results/a-b_c.d", "/scratch/jörg/My run, (2)", "../up", "~x", "a=b+c@d:e"]
)
def test_a_usual_folder_of_results_is_accepted(text: str) -> None:
    assert accepted(SCHEMA["properties"]["results"], text)


@pytest.mark.parametrize("name", ["..", ".", ".hidden", "a/b", "a{b}", "a b", "a;b", "-a", "a\n"])
def test_a_name_that_is_a_path_is_refused(name: str) -> None:
    properties = SCHEMA["properties"]
    for section in ("variants", "datasets"):
        assert not accepted(properties[section]["propertyNames"], name)
    assert not accepted(properties["name"], name)


@pytest.mark.parametrize(
    ("key", "is_accepted"),
    [
        ("gdb_000212", True),
        ("C[NH3+].O=C:3", True),
        ("../x", False),
        ("{x}", False),
        ("a\n", False),
    ],
)
def test_a_key_of_a_molecule_names_a_figure(key: str, is_accepted: bool) -> None:
    split = SCHEMA["$defs"]["dataset"]["properties"]["split"]["properties"]
    assert accepted(split["showcase"], [key]) is is_accepted

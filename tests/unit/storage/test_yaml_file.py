"""YAML files: words as people mean them, and errors with their line."""

import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from mepflow.errors import ConfigError, MepflowError
from mepflow.storage.yaml_file import read_row, read_yaml

ROOT = Path(__file__).resolve().parents[3]


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "file.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("2e-3", 0.002),
        ("2.0e-3", 0.002),
        (".5", 0.5),
        ("-1.", -1.0),
        ("1_000", 1000),
        ("3e6", 3_000_000),
        ("012", 12),
        ("08", 8),
        ("0x1f", 31),
        ("0o17", 15),
        (".inf", math.inf),
        ("1:30", "1:30"),
        ("2026-11-27", "2026-11-27"),
        ("NO", "NO"),
        ("No", "No"),
        ("N", "N"),
        ("Y", "Y"),
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("'~'", "~"),
        ('"12"', "12"),
        ("1_", "1_"),
        ("=", "="),
    ],
)
def test_words_are_what_people_mean(tmp_path: Path, word: str, value: Any) -> None:
    found = read_yaml(written(tmp_path, f"key: {word}\n")).content["key"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("key", ["NO", "12", "2026-11-27", "null", "on", "1.5"])
def test_every_key_is_a_text(tmp_path: Path, key: str) -> None:
    assert read_yaml(written(tmp_path, f"{key}: {{{key}: 1}}\n")).content == {key: {key: 1}}


def test_shipped_files_say_the_same_in_both_ways() -> None:
    for path in [*(ROOT / "config").rglob("*.yaml"), *(ROOT / "workflow").rglob("*.schema.yaml")]:
        assert read_yaml(path).content == yaml.safe_load(path.read_text()), path


def test_lines_and_words_of_what_is_there(tmp_path: Path) -> None:
    text = "a: &a\n  x: 007\n  y: [p,\n      q]\nb:\n  <<: *a\n  x: 2\n"
    file = read_yaml(written(tmp_path, "\ufeff" + text))
    assert file.content == {"a": {"x": 7, "y": ["p", "q"]}, "b": {"x": 2, "y": ["p", "q"]}}
    lines = {("a",): 1, ("a", "x"): 2, ("a", "y", 1): 4, ("b", "x"): 7, ("b", "y"): 3}
    assert {keys: file.line(keys) for keys in lines} == lines
    assert file.line(["a", "z"]) is None
    assert file.line(["a", "x", "deeper"]) is None
    assert file.word(["a", "x"]) == "007"
    assert file.word(["a", "y"]) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", r" line 5: b\.c is there for the second time \(fi"),
        ("a: [1\nb: 2\n", r" line 2 is no YAML: .*brackets"),
        ("a:\n\tb: 1\n", " line 2 is no YAML: .*spaces instead of tabs"),
        ("a: b: c\n", " line 1 is no YAML"),
        ("a: *b\n", " line 1 is no YAML"),
        ("? [a]\n: b\n", " line 1: a key must be one word"),
        ("a: &a [*a]\n", " line 1: a.0 refers to itself"),
        ("a: !!python/object:os.system 1\n", " line 1 is no YAML"),
        ("---\na: 1\n---\nb: 1\n", " line 3 is no YAML"),
        ("- a\n", " must hold lines such as"),
        ("# nothing\n", " holds nothing"),
        ("", " holds nothing"),
        ("a: " + "[" * 100_000, " line 1 nests too deep"),
        (b"a: \x00\n", " is no YAML"),
        (b"\x89HDF\r\n\x1a\n\xff", " is no text in UTF-8"),
    ],
    ids=range(15),
)
def test_what_is_wrong_is_one_sentence_with_its_line(
    tmp_path: Path, text: str | bytes, said: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError, match=f"^{path}{said}") as caught:
        read_yaml(path)
    assert "\n" not in str(caught.value)


def test_a_row_that_is_not_there_is_named_with_the_nearest(tmp_path: Path) -> None:
    path = written(tmp_path, "grids: {mk: {a: 1}, box: 3}\nother: 1\n")
    assert read_row(path, "grids", "mk") == {"a": 1}
    for section, name, said in (
        ("grids", "mkk", "no 'mkk' in grids: did you mean mk?"),
        ("grids", "box", "no 'box' in grids"),
        ("other", "mk", "has no section other"),
        ("levels", "mk", "has no section levels"),
    ):
        with pytest.raises(MepflowError, match=said):
            read_row(path, section, name)

"""YAML files that people write: read as they are meant, and what is wrong is named with its line.

PyYAML knows YAML 1.1, in which ``2e-3`` is a text, ``012`` is ten, ``1:30`` is ninety, ``NO`` is
false and 2026-11-27 is a date; and of two equal keys it takes the last. Here ``2e-3``, ``1_000``
and ``012`` are the numbers that Python's ``float`` reads in them, only ``true`` and ``false`` are
truth values (:mod:`mepflow.runs.schema_check` takes ``yes`` and ``no`` where one is due), all else
is text, and so is every key.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from mepflow.errors import ConfigError, choice
from mepflow.storage.unreadable import unreadable

Keys = Sequence[str | int]
"""Where a value stands: keys of mappings, and places in lists counted from 0."""

_TAG: Final = "tag:yaml.org,2002:"
_MERGE: Final = f"{_TAG}merge"
_TEXT: Final = f"{_TAG}str"
_DEEPEST: Final = 100
_DIGITS: Final = "[0-9]+(?:_[0-9]+)*"
_WORDS: Final = (
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", rf"[-+]?{_DIGITS}|0x[0-9a-fA-F]+|0o[0-7]+", "-+0123456789"),
    (
        "float",
        rf"[-+]?(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+.0123456789",
    ),
    ("merge", "<<", "<"),
)
"""Kinds of plain words, the words, and how they begin; the first kind that fits counts."""


@dataclass(frozen=True)
class YamlFile:
    """What a file holds, and where in it."""

    path: Path
    content: dict[str, Any]
    root: yaml.MappingNode

    def line(self, keys: Keys) -> int | None:
        """Return the line, from 1, in which a key or an item of a list stands, or None."""
        found = _find(self.root, keys)
        return None if found is None else found[0].start_mark.line + 1

    def word(self, keys: Keys) -> str | None:
        """Return a value as it is written in the file, or None where there is no single word."""
        found = _find(self.root, keys)
        if found is None or not isinstance(found[1], yaml.ScalarNode):
            return None
        return str(found[1].value)


def read_yaml(path: str | Path) -> YamlFile:
    """Read a file with keys at its top level.

    Raises :class:`~mepflow.errors.InputError` where it cannot be read, and :class:`ConfigError`,
    with the line, where it is no YAML, says something twice, or holds no keys.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise unreadable(path, error) from error
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is no text in UTF-8: name another file.") from None
    try:
        return _parsed(path, text)
    except yaml.MarkedYAMLError as error:
        raise _explained(path, text, error) from error
    except yaml.YAMLError as error:  # a character that no text holds
        reason = getattr(error, "reason", "it cannot be read")
        raise ConfigError(f"{path} is no YAML ({reason}): name another file.") from error


def read_row(path: str | Path, section: str, name: str) -> dict[str, Any]:
    """Return a row of a section of a file.

    Raises what :func:`read_yaml` raises, and :class:`ConfigError` where there is no such row.
    """
    file = read_yaml(path)
    rows = file.content.get(section)
    if not isinstance(rows, dict):
        raise ConfigError(f"{path} has no section {section}: name a file that has.")
    row = rows.get(name)
    if not isinstance(row, dict):
        raise ConfigError(f"{path}: there is no {name!r} in {section}: {choice(name, rows)}")
    return row


def _explained(path: Path, text: str, error: yaml.MarkedYAMLError) -> ConfigError:
    mark = error.problem_mark or error.context_mark
    number = mark.line if mark else 0
    line = "".join(text.splitlines()[number : number + 1])
    has_tab = "\t" in line[: len(line) - len(line.lstrip())]
    hint = (
        "indent with spaces instead of tabs"
        if has_tab
        else "look at the indentation, colons, quotes and brackets there"
    )
    problem = " ".join(filter(None, (error.context, error.problem)))
    return ConfigError(f"{path} line {number + 1} is no YAML: {problem}; {hint}.")


def _parsed(path: Path, text: str) -> YamlFile:
    _check_depth(path, text)
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            raise ConfigError(f"{path} holds nothing: name another file.")
        if not isinstance(root, yaml.MappingNode):
            raise ConfigError(f"{path} must hold lines such as `name: value`: name another file.")
        _check_keys(root, path, "", {})
        return YamlFile(path, loader.construct_document(root), root)
    finally:
        loader.dispose()


def _check_depth(path: Path, text: str) -> None:
    """Raise :class:`ConfigError` where brackets in brackets would end the process."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise ConfigError(f"{path} line {line} nests too deep: name another file.")


def _check_keys(node: yaml.Node, path: Path, place: str, is_done: dict[int, bool]) -> None:
    """Make every key a text; raises :class:`ConfigError` for one that is there twice or no word.

    ``is_done`` says of each node whether what is below it has been looked at.
    """
    if not is_done.get(id(node), True):
        line = node.start_mark.line + 1
        raise ConfigError(f"{path} line {line}: {place[:-1]} refers to itself: write it out.")
    if id(node) in is_done or isinstance(node, yaml.ScalarNode):
        return
    is_done[id(node)] = False
    if isinstance(node, yaml.MappingNode):
        _check_mapping(node, path, place, is_done)
    else:
        for number, item in enumerate(node.value):
            _check_keys(item, path, f"{place}{number}.", is_done)
    is_done[id(node)] = True


def _check_mapping(
    node: yaml.MappingNode, path: Path, place: str, is_done: dict[int, bool]
) -> None:
    lines: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise ConfigError(f"{path} line {line}: a key must be one word: put it in quotes.")
        name = key.value
        if name in lines:
            raise ConfigError(
                f"{path} line {line}: {place}{name} is there for the second time (first in line "
                f"{lines[name]}): keep one of the two."
            )
        lines[name] = line
        if key.tag != _MERGE:
            key.tag = _TEXT
        _check_keys(value, path, f"{place}{name}.", is_done)


def _find(node: yaml.Node, keys: Keys) -> tuple[yaml.Node, yaml.Node] | None:
    """Return the node of the last key (of the item, in a list) and the node of its value."""
    mark = node
    for key in keys:
        found = _step(node, key)
        if found is None:
            return None
        mark, node = found
    return mark, node


def _step(node: yaml.Node, key: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode):
        is_there = isinstance(key, int) and key < len(node.value)
        return (node.value[key], node.value[key]) if is_there else None
    if not isinstance(node, yaml.MappingNode):
        return None
    # Construction has put what is merged before a mapping's own keys.
    return next(((k, v) for k, v in reversed(node.value) if k.value == key), None)


class _Loader(yaml.CSafeLoader):
    """PyYAML's loader with other words for numbers and the like."""

    def construct_int(self, node: yaml.ScalarNode) -> int:
        """Return a whole number; one that begins with 0 is decimal, too."""
        text = self.construct_scalar(node).replace("_", "")
        base = {"0x": 16, "0o": 8}.get(text[:2], 10)
        return int(text, base)

    def construct_float(self, node: yaml.ScalarNode) -> float | int:
        """Return a number; 3e6 is a whole one, so that it can be a number of steps."""
        text = self.construct_scalar(node).replace("_", "").lower()
        if text.endswith((".inf", ".nan")):
            return float(text.replace(".", ""))
        value = float(text)
        return int(value) if "." not in text and value.is_integer() else value


_Loader.yaml_implicit_resolvers = {}  # none of YAML 1.1
for _kind, _pattern, _first in _WORDS:
    _Loader.add_implicit_resolver(
        f"{_TAG}{_kind}", re.compile(rf"(?:{_pattern})\Z"), [*_first, *([""] * (_kind == "null"))]
    )
_Loader.add_constructor(f"{_TAG}int", _Loader.construct_int)
_Loader.add_constructor(f"{_TAG}float", _Loader.construct_float)

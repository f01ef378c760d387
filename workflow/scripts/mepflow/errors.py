"""Errors a user can mend. Their message is one sentence: what, where, and what to do."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

_LONGEST: Final = 40


class MepflowError(Exception):
    """Base of every error whose message alone tells the user what to do; no traceback is shown."""


class ConfigError(MepflowError):
    """A setting is missing, of the wrong type, unknown, or contradicts another."""


class SettingError(ConfigError):
    """What is wrong with the setting at ``keys``: sections by name, places in lists from 0."""

    def __init__(self, keys: Sequence[str | int], problem: str) -> None:
        self.keys = tuple(keys)
        self.problem = problem
        name = ".".join(key for key in keys if isinstance(key, str))
        end = "" if problem.endswith(("?", ".")) else "."
        super().__init__(f"{name}: {problem}{end}")


class InputError(MepflowError):
    """An input file is missing, damaged, or does not hold what it should."""


class MissingFileError(InputError):
    """A file that a rule of the workflow makes is not there."""

    def __init__(self, path: object) -> None:
        super().__init__(f"{path} does not exist: run the rule that makes it.")


class StateError(MepflowError):
    """Saved state (checkpoint, shard, results folder) belongs to another configuration."""


def shown(value: Any) -> str:
    """Return a setting as it can stand in a sentence: as it is written, printable and short."""
    if isinstance(value, Mapping):
        return "a section"
    plain = "null" if value is None else str(value).lower() if isinstance(value, bool) else ""
    text = plain or (ascii(value) if isinstance(value, str) else str(value))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def choice(name: str, known: Iterable[str]) -> str:
    """Return which of the ``known`` names is nearest to ``name``, or all of them."""
    names = sorted(known)
    near = nearest(name, names)
    if near:
        return f"did you mean {near}?"
    return f"choose among {', '.join(names)}" if names else "leave it out"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the one of the ``known`` names that ``name`` may be meant for, if one is like it."""
    lower = {one.lower(): one for one in known}
    near = difflib.get_close_matches(name.lower(), lower, n=1)
    return lower[near[0]] if near else None

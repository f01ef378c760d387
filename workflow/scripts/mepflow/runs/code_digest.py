"""Which code decides a result: a digest of it, for Snakemake and for records."""

import ast
import atexit
import contextlib
import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from mepflow.runs.code_reach import Reach
from mepflow.runs.definitions import describe
from mepflow.runs.package_sources import ROOT, Sources
from mepflow.storage.files import atomic_path, cache_folder

CACHE_NAME: Final = "code-digests.json"
_KEPT: Final = 8
"""States of the sources whose digests are remembered: a few worktrees and branches."""


@lru_cache
def code_digest(*entries: str) -> str:
    """Return a digest of the code that decides what the entry points do.

    An entry point is the name of a script, or the full name of a function, a method or a module of
    the package. Snakemake reruns a rule when its script changes, not when a function that the
    script calls does; this digest among a rule's params closes the gap.
    :mod:`mepflow.runs.code_reach` says what counts, :mod:`mepflow.runs.canonical_text` what of it.
    """
    return _digests().of(*entries)


class Digests:
    """The digests of one state of the sources, remembered from one process to the next."""

    def __init__(self, root: Path = ROOT) -> None:
        self._sources = Sources(root)
        self._state = _content(root)
        self._known = _remembered().get(self._state, {})
        self._is_new = False

    def of(self, *entries: str) -> str:
        """Return the digest of some entry points."""
        key = " ".join(entries)
        if key not in self._known:
            self._known[key] = _digest(Reach(self._sources, entries).texts)
            self._is_new = True
        return self._known[key]

    def remember(self) -> None:
        """Write what is new where other processes find it; not to be able to does no harm."""
        if self._is_new:
            _remember(self._state, self._known)


@lru_cache(maxsize=1)
def _digests() -> Digests:
    digests = Digests()
    atexit.register(digests.remember)
    return digests


def script_digest(rule: str) -> str | None:
    """Return a digest of the script of a rule, which bears its name, or None without one."""
    path = ROOT.parent / f"{rule}.py"
    if not path.exists():
        return None
    return _digest({"": describe(ast.parse(path.read_text(encoding="utf-8")), rule).text})


def _digest(texts: dict[str, str]) -> str:
    parts = [f"{name}\0{text}" for name, text in sorted(texts.items())]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _content(root: Path) -> str:
    """Return a digest of all files of the package."""
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.*")):
        if path.suffix != ".pyc" and path.is_file():
            digest.update(f"{path.relative_to(root)}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _remembered() -> dict[str, dict[str, str]]:
    """Return the digests of other processes by the state of the sources; none if unreadable."""
    with contextlib.suppress(OSError, RuntimeError, ValueError):
        found: Any = json.loads((cache_folder() / CACHE_NAME).read_text(encoding="utf-8"))
        if _is_whole(found):
            return dict(found)
    return {}


def _is_whole(found: Any) -> bool:
    return isinstance(found, dict) and all(
        isinstance(known, dict) and all(isinstance(text, str) for text in known.values())
        for known in found.values()
    )


def _remember(state: str, known: dict[str, str]) -> None:
    others = [item for item in _remembered().items() if item[0] != state]
    kept = dict([*others[1 - _KEPT :], (state, known)])
    with (
        contextlib.suppress(OSError, RuntimeError),  # no home folder is a RuntimeError
        atomic_path(cache_folder() / CACHE_NAME) as path,
    ):
        path.write_text(json.dumps(kept), encoding="utf-8")

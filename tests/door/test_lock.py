"""requirements.lock holds what requirements.txt and its packages need, each with its SHA-256."""

import re
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements.lock").read_text()
ENTRY = re.compile(
    r"^([\w.-]+)==(\S+)(?: ; [^\\\n]+)? \\\n((?:    --hash=sha256:.*\n?)+)", re.MULTILINE
)
DIGEST = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?\n?")
GPU = re.compile("cuda|nvidia|triton")
"""What only PyTorch's builds for GPUs need."""


def locked() -> dict[str, set[str]]:
    """Return the versions of every package; some have another for a newer Python."""
    found: dict[str, set[str]] = {}
    for name, version, _ in ENTRY.findall(LOCK):
        found.setdefault(name, set()).add(version)
    return found


def needs(name: str) -> set[str]:
    """Return the names of the packages that an installed one needs here."""
    rows = map(Requirement, requires(name) or [])
    return {
        canonicalize_name(row.name)
        for row in rows
        if row.marker is None or row.marker.evaluate({"extra": ""})
    }


def test_every_line_is_understood_and_names_no_place() -> None:
    rest = re.sub(r"^#.*\n", "", ENTRY.sub("", LOCK), flags=re.MULTILINE)
    assert not rest.strip()
    for _, _, digests in ENTRY.findall(LOCK):
        assert not DIGEST.sub("", digests)
    assert "://" not in LOCK


def test_pins_are_those_of_the_requirements() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    del pins["torch"]
    assert {name: {version} for name, version in pins.items()}.items() <= locked().items()


def test_nothing_that_they_need_is_missing() -> None:
    known = locked().keys()
    missing = {need for name in [*known, "torch"] for need in _needs_or_none(name)} - known
    assert not {name for name in missing if not GPU.search(name)}


def _needs_or_none(name: str) -> set[str]:
    try:
        return needs(name)
    except PackageNotFoundError:  # of another system or Python
        return set()


def test_the_head_names_what_torch_needs() -> None:
    named = set(re.findall(r"^#   torch needs (.+)$", LOCK, re.MULTILINE))
    pinned = {line.split("==")[0] for line in (ROOT / "requirements.txt").read_text().splitlines()}
    assert named == {name for name in needs("torch") - pinned if not GPU.search(name)}

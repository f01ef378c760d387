"""Which code, which settings and which software made a result."""

import ast
import hashlib
import importlib.metadata
import json
import platform
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from mepflow import __version__
from mepflow.files import atomic_path

_PACKAGE: Final = "mepflow"
_ROOT: Final = Path(__file__).resolve().parent
_SOFTWARE: Final = ("snakemake", "numpy", "scipy", "h5py", "pandas", "pyscf", "torch", "rdkit")
_HASHED_BYTES: Final = 64 * 1024 * 1024
"""Inputs larger than this are recorded by their size and time alone: hashing them takes minutes."""


@lru_cache
def code_digest(*modules: str) -> str:
    """Return a digest of the named modules of the package and all that they import from it.

    Snakemake reruns a rule when its script changes, not when a module that the script imports does;
    this digest among a rule's params closes the gap. Comments, docstrings and layout do not count.
    """
    digest = hashlib.sha256()
    for module in sorted(import_closure(modules)):
        digest.update(module.encode())
        digest.update(_normalised(_source(module)).encode())
    return digest.hexdigest()[:16]


def import_closure(modules: Sequence[str]) -> set[str]:
    """Return the named modules of the package and all that they import from it, directly or not."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting.extend(imported_modules(_source(module)))
            package = module.rpartition(".")[0]  # its __init__ runs first
            if package != _PACKAGE:
                waiting.append(package)
    return found


def _source(module: str) -> Path:
    parts = module.split(".")[1:]
    path = _ROOT.joinpath(*parts).with_suffix(".py") if parts else _ROOT / "__init__.py"
    path = path if path.exists() else _ROOT.joinpath(*parts, "__init__.py")
    if not path.exists():
        raise ModuleNotFoundError(f"{module} is not a module of {_PACKAGE}")
    return path


def imported_modules(path: Path) -> Iterator[str]:
    """Yield the modules of the package that a file imports; its version alone is not one."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.startswith(f"{_PACKAGE}."))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == _PACKAGE:
            base = str(node.module)
            if base != _PACKAGE:
                yield base
            for alias in node.names:
                if _exists(f"{base}.{alias.name}"):
                    yield f"{base}.{alias.name}"


def _exists(module: str) -> bool:
    path = _ROOT.joinpath(*module.split(".")[1:])
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def _normalised(path: Path) -> str:
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [part for part in body if not _is_text(part)]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def write_record(
    path: Path, rule: str, wildcards: Mapping[str, str], inputs: Sequence[str], params: Any
) -> None:
    """Write the provenance of a job's results as JSON: inputs, settings, software, host, time."""
    record = {
        "rule": rule,
        "wildcards": dict(wildcards),
        "inputs": {name: _describe(Path(name)) for name in inputs},
        "params": params,
        "software": software_versions(),
        "git_commit": git_commit(),
        "host": platform.node(),
        "platform": platform.platform(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(record, indent=1, sort_keys=True, default=str) + "\n")


def software_versions() -> dict[str, str]:
    """Return the versions of Python, mepflow and of the packages that are installed."""
    versions = {"python": platform.python_version(), _PACKAGE: __version__}
    for name in _SOFTWARE:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def git_commit() -> str | None:
    """Return the commit of the code, with ``+`` where files were changed, or None outside git."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"],
            cwd=_ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return described.stdout.strip()


def _describe(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    status = path.stat()
    description: dict[str, Any] = {"bytes": status.st_size, "modified": status.st_mtime}
    if status.st_size <= _HASHED_BYTES:
        with path.open("rb") as file:
            description["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
    return description

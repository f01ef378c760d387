"""Which code decides a result: a digest of it, for Snakemake and for records."""

import ast
import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

_PACKAGE: Final = "mepflow"


_ROOT: Final = Path(__file__).resolve().parents[1]


_OTHER_SOURCES: Final = (".cpp", ".css", ".hpp", ".html", ".js")


@lru_cache
def code_digest(*modules: str) -> str:
    """Return a digest of the named modules of the package and all that they import from it.

    Snakemake reruns a rule when its script changes, not when a module that the script imports does;
    this digest among a rule's params closes the gap. Comments, docstrings and layout do not count.
    C++ sources and parts of pages beside a module that names them count as they are.
    """
    digest = hashlib.sha256()
    for module in sorted(import_closure(modules)):
        digest.update(module.encode())
        source = _source(module)
        digest.update(_normalised(source).encode())
        for other in sorted(source.parent.iterdir()):
            if other.suffix in _OTHER_SOURCES and other.name in source.read_text():
                digest.update(other.read_bytes())
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


def script_digest(rule: str) -> str | None:
    """Return a digest of the script of a rule, which bears its name, or None without one."""
    path = _ROOT.parent / f"{rule}.py"
    return hashlib.sha256(_normalised(path).encode()).hexdigest()[:16] if path.exists() else None

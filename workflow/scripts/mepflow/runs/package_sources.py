"""The modules of the package as sources: what each binds, imports, and does when imported."""

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mepflow.runs.definitions import Definition, describe
from mepflow.runs.syntax import (
    bound_by_import,
    decorator_name,
    dotted,
    foreign_decorators,
    is_for_types_only,
    is_text,
)

PACKAGE: Final = "mepflow"
ROOT: Final = Path(__file__).resolve().parents[1]


def is_ours(target: str) -> bool:
    """Whether a module or a name in one is the package's."""
    return target.split(".")[0] == PACKAGE


class Module:
    """The statements of a module, sorted into what they bind and what they do on import."""

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.path = name, path
        self.bindings: dict[str, list[ast.stmt]] = {}
        self.imports: dict[str, set[str]] = {}
        self.effects: list[ast.stmt] = []
        self._described: dict[str, list[Definition]] = {}
        self._scan(ast.parse(path.read_text(encoding="utf-8")).body)

    def _scan(self, body: Sequence[ast.stmt]) -> None:
        for part in body:
            if isinstance(part, ast.Import | ast.ImportFrom):
                self._bind_import(part)
            elif is_for_types_only(part):
                self._scan(part.orelse)  # type: ignore[attr-defined]
            elif isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self._bind(part.name, part)
                if _acts(part):
                    self.effects.append(part)
            elif not is_text(part):
                self._scan_other(part)

    def _scan_other(self, part: ast.stmt) -> None:
        targets = part.targets if isinstance(part, ast.Assign) else [getattr(part, "target", None)]
        names = [node for target in targets if target for node in ast.walk(target)]
        is_plain = isinstance(part, ast.Assign | ast.AnnAssign) and all(
            isinstance(node, ast.Name | ast.Tuple | ast.Store) for node in names
        )
        if not is_plain or self._calls_the_package(part):
            self.effects.append(part)
        for node in ast.walk(part):
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._bind_import(node)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self._bind(node.id, part)
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                self._bind(node.name, part)

    def _bind_import(self, part: ast.Import | ast.ImportFrom) -> None:
        for name, target in bound_by_import(part, self.name):
            self.imports.setdefault(name, set()).add(target)

    def _calls_the_package(self, part: ast.stmt) -> bool:
        """Whether a value comes from one of the package's functions, which may do more."""
        for node in ast.walk(part):
            chain = dotted(node.func) if isinstance(node, ast.Call) else None
            first, last = (chain or "?").split(".")[0], (chain or "?").split(".")[-1]
            ours = first in self.bindings or any(map(is_ours, self.imports.get(first, ())))
            if ours and not last.lstrip("_")[:1].isupper():
                return True
        return False

    def _bind(self, name: str, part: ast.stmt) -> None:
        statements = self.bindings.setdefault(name, [])
        if part not in statements:
            statements.append(part)

    def definitions(self, name: str) -> list[Definition]:
        """Return what binds a name, in order; with the name "" what the import does."""
        if name not in self._described:
            parts = self.bindings[name] if name else self.effects
            self._described[name] = [describe(part, self.name) for part in parts]
        return self._described[name]

    def registry(self, name: str) -> dict[str, str] | None:
        """Return the rows of a dictionary from words to the package's modules, or None."""
        value = getattr(self.bindings[name][0], "value", None)
        if not isinstance(value, ast.Dict) or not value.values:
            return None
        rows = {}
        for key, item in zip(value.keys, value.values, strict=True):
            if not (isinstance(key, ast.Constant) and isinstance(item, ast.Constant)):
                return None
            rows[str(key.value)] = str(item.value)
        ours = all(row.startswith(f"{PACKAGE}.") for row in rows.values())
        return rows if ours else None


def _acts(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Whether a definition does more on import than to bind its name."""
    inner = node.body if isinstance(node, ast.ClassDef) else []
    functions = (part for part in inner if isinstance(part, ast.FunctionDef))
    return foreign_decorators(node) or any(
        foreign_decorators(part) and not _is_setter(part) for part in functions
    )


def _is_setter(node: ast.FunctionDef) -> bool:
    return all(
        decorator_name(part).endswith((".setter", ".deleter")) for part in node.decorator_list
    )


class Sources:
    """The modules of a package below a folder, each read once."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self._modules: dict[str, Module] = {}

    def path(self, name: str) -> Path | None:
        """Return the file of a module, or None where there is no such module."""
        first, *parts = name.split(".")
        if first != PACKAGE:
            return None
        base = self.root.joinpath(*parts)
        candidates = [base / "__init__.py"] + ([base.with_suffix(".py")] if parts else [])
        return next((path for path in candidates if path.exists()), None)

    def module(self, name: str) -> Module:
        """Return a module by its full name; raises ``ModuleNotFoundError``."""
        if name not in self._modules:
            path = self.path(name)
            if path is None:
                raise ModuleNotFoundError(f"{name} is not a module of {PACKAGE}")
            self._modules[name] = Module(name, path)
        return self._modules[name]

    def split(self, target: str) -> tuple[str, list[str]]:
        """Return the longest module in ``a.b.c``, and the names that follow it."""
        parts = target.split(".")
        for length in range(len(parts), 0, -1):
            name = ".".join(parts[:length])
            if name in self._modules or self.path(name):
                return name, parts[length:]
        raise ModuleNotFoundError(f"{target} is not in {PACKAGE}")

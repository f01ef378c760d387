"""What the digest of code asks about single pieces of Python's syntax."""

import ast
from typing import Final

# Decorators that do nothing but change the function or class below them.
_HARMLESS: Final = {
    *("dataclass", "dataclasses.dataclass", "property", "staticmethod", "classmethod", "overload"),
    *("lru_cache", "functools.lru_cache", "cache", "functools.cache", "cached_property", "wraps"),
    *("contextmanager", "contextlib.contextmanager", "abstractmethod", "override", "final"),
    *("once_differentiable", "torch.no_grad", "torch.inference_mode", "runtime_checkable"),
}
READ_TYPES: Final = {"triton.jit"}
"""Decorators that are harmless as well, but read the types of the arguments."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


class UnfollowableError(Exception):
    """The package does what a digest of definitions cannot follow, in the place it names."""


def dotted(node: ast.AST) -> str | None:
    """Return ``a.b.c`` where a node is a name with attributes, else None."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else None


def decorator_name(node: ast.expr) -> str:
    """Return the name of a decorator, without the arguments."""
    return dotted(node.func if isinstance(node, ast.Call) else node) or "?"


def foreign_decorators(node: Function | ast.ClassDef) -> bool:
    """Whether a decorator may do more than change what is below it, such as register it."""
    known = _HARMLESS | READ_TYPES
    return any(decorator_name(decorator) not in known for decorator in node.decorator_list)


def bound_by_import(node: ast.Import | ast.ImportFrom, module: str) -> list[tuple[str, str]]:
    """Return what an import binds: names and what they are, as ``module`` or ``module.name``."""
    if isinstance(node, ast.Import):
        bound = [(alias.asname or alias.name.split(".")[0], alias) for alias in node.names]
        pairs = [(name, alias.name if alias.asname else name) for name, alias in bound]
        # `import a.b` binds a, and runs b as well.
        return pairs + [("", alias.name) for alias in node.names]
    if node.level or any(alias.name == "*" for alias in node.names):
        raise UnfollowableError(f"{module}: name what is imported, and from where, in full.")
    return [(alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names]


def is_for_types_only(node: ast.stmt) -> bool:
    """Whether a statement is ``if TYPE_CHECKING``."""
    return isinstance(node, ast.If) and (dotted(node.test) or "").endswith("TYPE_CHECKING")


def is_text(node: ast.stmt) -> bool:
    """Whether a statement is a docstring or another string that stands alone."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )

"""The canonical text of a piece of code, and the names in it.

Comments, layout, docstrings, types of arguments and the words of errors and log messages are not
in the text: none of them decides a result. Nor is the version of Python, whose own dump of a tree
changes from one to the next.
"""

import ast
from collections.abc import Iterable, Sequence
from typing import Any, Final

from mepflow.runs.syntax import (
    READ_TYPES,
    Function,
    UnfollowableError,
    bound_by_import,
    decorator_name,
    dotted,
    foreign_decorators,
    is_for_types_only,
    is_text,
)

_SILENT: Final = {"ctx", "kind", "type_comment"}
_LOG_METHODS: Final = {"debug", "info", "warning", "error", "exception", "critical", "log"}
_LOGGERS: Final = {"log", "logger"}
_UNFOLLOWABLE: Final = {"eval", "exec", "globals", "__import__", "__init_subclass__", "metaclass"}
_COMPUTED_NAMES: Final = {"getattr", "setattr", "delattr", "hasattr"}


class Scribe:
    """Writes the text of a tree and collects the names in it."""

    def __init__(self, module: str) -> None:
        self.module = module
        self.parts: list[str] = []
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.strings: set[str] = set()
        self.imports: set[tuple[str, str]] = set()
        self.computes_attributes = self.imports_by_name = False
        self._in_message = False
        self._in_class = False
        self._looped: dict[str, set[str] | None] = {}
        """Names that loop over strings which are written out."""

    def write(self, node: Any) -> None:
        """Write one node, a list of nodes, or a plain value."""
        if isinstance(node, list):
            for item, following in zip(node, [*node[1:], None], strict=False):
                if _is_sentence_of(item, following):
                    self._write_message(item)
                else:
                    self.write(item)
                self.parts.append(",")
        elif isinstance(node, ast.AST):
            special = getattr(self, f"_write_{type(node).__name__.lower()}", None)
            (special or self._write_fields)(node)
        else:
            self.parts.append(repr(node))

    def _write_fields(self, node: ast.AST, *silent: str) -> None:
        self.parts.append(f"{type(node).__name__}(")
        for name in node._fields:
            value = getattr(node, name, None)
            if name in _SILENT or name in silent or value is None or value == []:
                continue
            self.parts.append(f"{name}=")
            self.write(_without_texts(value) if name in ("body", "orelse") else value)
        self.parts.append(")")

    def _write_constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            if self._in_message and " " in node.value:
                self.parts.append("'…'")
                return
            self.strings.add(node.value)
        self.parts.append(repr(node.value))

    def _write_joinedstr(self, node: ast.JoinedStr) -> None:
        words = [part.value for part in node.values if isinstance(part, ast.Constant)]
        if self._in_message and any(" " in str(word) for word in words):
            self.parts.append("'…'")
        else:
            self._write_fields(node)

    def _write_name(self, node: ast.Name) -> None:
        self._refuse(node.id)
        self.parts.append(f"<{node.id}>")
        if isinstance(node.ctx, ast.Load):
            self.names.add(node.id)

    def _write_attribute(self, node: ast.Attribute) -> None:
        self.attributes.add(node.attr)
        chain = dotted(node)
        if chain is None:
            self._write_fields(node)
            return
        self.parts.append(f"<{chain}>")
        self.names.add(chain)
        self.attributes.update(chain.split(".")[1:])

    def _write_matchclass(self, node: ast.MatchClass) -> None:
        self.attributes.update(node.kwd_attrs)
        self._write_fields(node)

    def _write_call(self, node: ast.Call) -> None:
        called = dotted(node.func) or ""
        if called in _COMPUTED_NAMES:
            self._note_attributes(node.args[1])
        self.computes_attributes |= called.endswith(("attrgetter", "methodcaller"))
        self.imports_by_name |= called.endswith("import_module")
        owner, _, method = called.rpartition(".")
        if owner.split(".")[-1] in _LOGGERS and method in _LOG_METHODS:
            self._write_message(node)
        else:
            self._write_fields(node)

    def _note_attributes(self, name: ast.expr) -> None:
        known: set[str] | None = None
        if isinstance(name, ast.Constant):
            known = {str(name.value)}
        elif isinstance(name, ast.Name):
            known = self._looped.get(name.id)
        if known is None:
            self.computes_attributes = True
        else:
            self.attributes.update(known)

    def _write_raise(self, node: ast.Raise) -> None:
        self._write_message(node)

    def _write_assert(self, node: ast.Assert) -> None:
        self._write_message(node)

    def _write_message(self, node: ast.AST) -> None:
        """Write a node without the sentences in it; words such as ``"too_large"`` are data."""
        before, self._in_message = self._in_message, True
        self._write_fields(node)
        self._in_message = before

    def _write_import(self, node: ast.Import | ast.ImportFrom) -> None:
        bound = bound_by_import(node, self.module)
        self.imports.update(bound)
        self.parts.append(repr(bound))

    _write_importfrom = _write_import

    def _write_if(self, node: ast.If) -> None:
        if is_for_types_only(node):
            self.write(node.orelse)
        else:
            self._write_fields(node)

    def _write_functiondef(self, node: Function) -> None:
        self._refuse(node.name)
        readers = any(decorator_name(one) in READ_TYPES for one in node.decorator_list)
        typed = readers or foreign_decorators(node)
        before, self._in_class = self._in_class, False
        self._write_fields(_without_types(node) if not typed else node)
        self._in_class = before

    _write_asyncfunctiondef = _write_functiondef

    def _write_classdef(self, node: ast.ClassDef) -> None:
        for keyword in node.keywords:
            self._refuse(keyword.arg or "")
        before, self._in_class = self._in_class, True
        self._write_fields(node)
        self._in_class = before

    def _write_annassign(self, node: ast.AnnAssign) -> None:
        """Write an assignment with its type in a class only, where it makes a field."""
        if not self._in_class:
            self._write_fields(node, "annotation")
            return
        self.parts.append(ast.unparse(node.annotation))
        self._write_fields(node, "annotation")

    def _write_for(self, node: ast.For) -> None:
        self._note_loop(node.target, node.iter)
        self._write_fields(node)

    def _write_listcomp(self, node: ast.ListComp | ast.DictComp) -> None:
        for part in node.generators:
            self._note_loop(part.target, part.iter)
        self._write_fields(node)

    _write_setcomp = _write_generatorexp = _write_dictcomp = _write_listcomp

    def _note_loop(self, target: ast.expr, values: ast.expr) -> None:
        for name in ast.walk(target):
            if isinstance(name, ast.Name):
                known = _constants(values) if name is target else None
                is_new = name.id not in self._looped
                self._looped[name.id] = known if is_new else None

    def _refuse(self, name: str) -> None:
        if name in _UNFOLLOWABLE:
            raise UnfollowableError(f"{self.module}: a digest of code cannot follow {name}.")


def _is_sentence_of(statement: Any, following: Any) -> bool:
    """Whether a statement does nothing but put together what the next one raises."""
    return (
        isinstance(following, ast.Raise)
        and isinstance(statement, ast.Assign)
        and isinstance(statement.value, ast.JoinedStr | ast.Constant)
        and all(isinstance(target, ast.Name) for target in statement.targets)
    )


def _constants(values: ast.expr) -> set[str] | None:
    """Return the strings of a literal tuple or list of nothing else, or None."""
    items: Sequence[ast.expr] = getattr(values, "elts", [])
    texts = {item.value for item in items if isinstance(item, ast.Constant)}
    named = {text for text in texts if isinstance(text, str)}
    return named if items and len(named) == len(items) else None


def _without_texts(body: Any) -> Any:
    return [part for part in body if not is_text(part)] if isinstance(body, list) else body


def _without_types(node: Function) -> Function:
    """Return a function without the types of its arguments and of what it returns."""
    old = node.args

    def plain(arguments: Iterable[ast.arg | None]) -> list[Any]:
        return [argument and ast.arg(argument.arg) for argument in arguments]

    arguments = ast.arguments(
        plain(old.posonlyargs),
        plain(old.args),
        plain([old.vararg])[0],
        plain(old.kwonlyargs),
        old.kw_defaults,
        plain([old.kwarg])[0],
        old.defaults,
    )
    return type(node)(node.name, arguments, node.body, node.decorator_list)

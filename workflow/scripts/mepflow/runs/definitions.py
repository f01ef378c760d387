"""A definition of a module: its canonical text, and what it refers to."""

import ast
from dataclasses import dataclass, field

from mepflow.runs.canonical_text import Scribe
from mepflow.runs.syntax import Function, dotted, foreign_decorators


@dataclass
class Definition:
    """What a piece of code says and refers to; of a class, without its methods."""

    text: str
    names: frozenset[str]
    """Names that are read, each with the attributes read from it: ``np.linalg.norm``."""
    attributes: frozenset[str]
    """Every attribute that is read or set, of whatever object."""
    strings: frozenset[str]
    imports: frozenset[tuple[str, str]]
    """What imports inside bind: names and what they are, as ``module.name``."""
    computes_attributes: bool
    """Whether an attribute is taken whose name is known at run time only."""
    imports_by_name: bool = False
    """Whether ``import_module`` is called: with what a registry or an entry point names."""
    methods: dict[str, "Definition"] = field(default_factory=dict)
    bases: tuple[str, ...] = ()
    is_class: bool = False


def describe(node: ast.AST, module: str) -> Definition:
    """Return a statement of a module as a definition; ``module`` is for errors.

    Raises :class:`UnfollowableError` where it runs code that stands in no source.
    """
    if not isinstance(node, ast.ClassDef):
        return _described(Scribe(module), node)
    methods: dict[str, list[Function]] = {}
    rest: list[ast.stmt] = []
    for part in node.body:
        if isinstance(part, Function) and not foreign_decorators(part) and not _is_special(part):
            methods.setdefault(part.name, []).append(part)
        else:
            rest.append(part)
    shell = ast.ClassDef(node.name, node.bases, node.keywords, rest, node.decorator_list)
    found = _described(Scribe(module), shell)
    found.methods = {
        name: _described(Scribe(module), ast.Module(list(parts), []))
        for name, parts in methods.items()
    }
    found.bases = tuple(dotted(base) or "?" for base in map(_unsubscripted, node.bases))
    found.is_class = True
    return found


def _is_special(node: Function) -> bool:
    return node.name.startswith("__") and node.name.endswith("__")


def _unsubscripted(node: ast.AST) -> ast.AST:
    return node.value if isinstance(node, ast.Subscript) else node


def _described(scribe: Scribe, node: ast.AST) -> Definition:
    scribe.write(node)
    return Definition(
        "".join(scribe.parts),
        frozenset(scribe.names),
        frozenset(scribe.attributes),
        frozenset(scribe.strings),
        frozenset(scribe.imports),
        scribe.computes_attributes,
        scribe.imports_by_name,
    )

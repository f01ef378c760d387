"""What code an entry point reaches: the definitions of the package that may decide its result.

Followed are the names in a definition, through imports, to functions, constants and classes. A
class counts without those methods whose names no reached code mentions; with all of them where
code outside the package may call them (another package's class is among the bases) or where an
attribute's name is known at run time only. A module that is handed on as a value counts whole. What
a module does when it is imported counts wherever it is imported. Where the code cannot be followed,
:class:`~mepflow.runs.syntax.UnfollowableError` is raised: too much counts, never too little.

A *registry* is a dictionary of a module whose values name modules of the package. Its rows are no
code; all modules that it names are reached, but where an entry point is in one of them, that one.
"""

import ast
import builtins
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mepflow.runs.definitions import Definition, describe
from mepflow.runs.package_sources import PACKAGE, Module, Sources, is_ours
from mepflow.runs.syntax import UnfollowableError

_FRAME: Final = "mepflow.runs.jobs."
"""What every job does around its call: threads, log, errors and record."""
NOT_COUNTED: Final = {
    "mepflow.__version__",
    "mepflow.fields.FIELDS",
    "mepflow.fields.TEXTS",
}
"""Declarations that code looks up by name: a new column changes no result. What an existing one
means is a matter of ``mepflow.storage.molecule_file.FORMAT_VERSION``."""

_CPP_COMMENT: Final = re.compile(
    r"""("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|//[^\n]*|/\*.*?\*/""", re.DOTALL
)
_CPP_INCLUDE: Final = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


@dataclass
class _Class:
    """A class that is reached: where its methods are, and which are counted."""

    module: Module
    key: str
    definition: Definition
    is_open: bool
    counted: set[str] = field(default_factory=set)


class Reach:
    """All that some entry points reach: ``texts`` by the name of what says them.

    ``packages`` are those beyond mepflow, by their first name, that are imported on the way.

    An entry point is the name of a script, which stands for all that it calls, or the full name of
    a definition, a method, or a module, which counts whole.
    """

    def __init__(self, sources: Sources, entries: Sequence[str]) -> None:
        self.texts: dict[str, str] = {}
        self.packages: set[str] = set()
        self._imported: set[str] = set()
        self._defined: set[str] = set()
        self._sources = sources
        self._entries = entries
        self._attributes: set[str] = set()
        self._classes: dict[str, _Class] = {}
        self._all_methods = self._imports_by_name = self._has_registry = self._has_stem = False
        self._waiting: list[tuple[Module, Definition]] = []
        for entry in entries:
            self._enter(entry)
        self._walk()
        is_named = self._has_registry or len(entries) > 1
        if self._imports_by_name and (self._has_stem or not is_named):
            raise UnfollowableError(
                f"{entries[0]} imports a module by its name: write that in full, in a registry or"
                " among the entry points."
            )

    def _enter(self, entry: str) -> None:
        if not is_ours(entry):
            self._enter_script(entry)
            return
        module, rest = self._sources.split(entry)
        if rest and rest[0] not in self._sources.module(module).bindings:
            raise AttributeError(f"{entry}: {module} defines no {rest[0]}")
        self._attributes.update(rest[1:])
        self._follow(module, rest)

    def _enter_script(self, name: str) -> None:
        """Follow what a script calls; its text is Snakemake's to compare, and its frame is not."""
        path = self._sources.root.parent / f"{name}.py"
        tree = ast.parse(path.read_text(encoding="utf-8"))
        script = describe(tree, name)
        imports = {pair for pair in script.imports if not pair[1].startswith(_FRAME)}
        self._attributes |= script.attributes
        self._computes(script)
        for _, target in imports:
            self._import(target)
        for called in script.names:
            first, *rest = called.split(".")
            for alias, target in imports:
                if alias == first and is_ours(target):
                    module, inner = self._sources.split(target)
                    self._follow(module, [*inner, *rest])

    def _computes(self, definition: Definition) -> None:
        self._all_methods |= definition.computes_attributes
        self._imports_by_name |= definition.imports_by_name

    def _walk(self) -> None:
        while self._waiting:
            while self._waiting:
                self._read(*self._waiting.pop())
            for known in list(self._classes.values()):
                self._read_methods(known)

    def _read(self, module: Module, definition: Definition) -> None:
        self._attributes |= definition.attributes
        self._computes(definition)
        for _, target in definition.imports:
            self._import(target)
        for chain in definition.names:
            first, *rest = chain.split(".")
            for name, target in definition.imports:
                if name == first:
                    self._resolve(module, first, target, rest)
            for target in module.imports.get(first, ()):
                self._resolve(module, first, target, rest)
            if first in module.bindings:
                self._define(module, first)
        for text in definition.strings:
            self._read_string(module, text)

    def _read_string(self, module: Module, text: str) -> None:
        """Follow a string that names a module of the package, or a file beside the module."""
        if text.startswith(f"{PACKAGE}.") and text.replace(".", "_").isidentifier():
            name, rest = self._sources.split(text)
            self._has_stem |= text.endswith(".")
            if not rest or rest[0] in self._sources.module(name).bindings:
                self._follow(name, rest)
        elif "." in text and "\n" not in text and not text.endswith(".py"):
            self._read_file(module.path.parent, text)

    def _read_file(self, folder: Path, name: str) -> None:
        path = folder / name
        key = f"{path.parent.relative_to(self._sources.root)}/{path.name}" if name else ""
        if "/" in name or key in self.texts or len(name) > 100 or not path.is_file():
            return
        text = path.read_text(encoding="utf-8")
        if path.suffix in (".cpp", ".hpp"):
            text = _CPP_COMMENT.sub(lambda match: match[1] or " ", text)
            text = "\n".join(line.rstrip() for line in text.splitlines() if line.strip())
        self.texts[key] = text
        for included in _CPP_INCLUDE.findall(text):
            self._read_file(folder, included)

    def _resolve(self, module: Module, name: str, target: str, rest: list[str]) -> None:
        """Follow an imported name with the attributes read from it."""
        if not is_ours(target):
            self.texts[f"{module.name}:{name}={target}"] = ""
            return
        found, inner = self._sources.split(target)
        self._follow(found, [*inner, *rest])

    def _follow(self, name: str, rest: Sequence[str]) -> None:
        """Follow attributes of a module: to a definition, or a module in it or of its imports."""
        self._import(name)
        module = self._sources.module(name)
        if not rest:
            for bound in module.bindings:
                self._define(module, bound)
            for alias, targets in module.imports.items():
                for target in targets:
                    self._resolve_import(module, alias, target)
            return
        first, *others = rest
        if self._sources.path(f"{name}.{first}"):
            self._follow(f"{name}.{first}", others)
        if first in module.bindings:
            self._define(module, first)
        for target in module.imports.get(first, ()):
            self._resolve(module, first, target, others)
        known = first in module.bindings or first in module.imports or first.startswith("__")
        if not known and not self._sources.path(f"{name}.{first}"):
            raise UnfollowableError(f"{name} defines no {first}.")

    def _resolve_import(self, module: Module, alias: str, target: str) -> None:
        """Count an import of a module that counts whole; modules that it imports are named only."""
        if self._sources.path(target):
            self._import(target)
        else:
            self._resolve(module, alias, target, [])

    def _import(self, target: str) -> None:
        """Count what a module, and all that it imports, does on import."""
        if not is_ours(target):
            self.packages.add(target.split(".")[0])
            return
        name, rest = self._sources.split(target)
        if rest and self._sources.path(f"{name}.{rest[0]}"):
            name = f"{name}.{rest[0]}"
        parent = name.rpartition(".")[0]
        if parent:
            self._import(parent)
        if name in self._imported:
            return
        self._imported.add(name)
        module = self._sources.module(name)
        for number, effect in enumerate(module.definitions("")):
            self._count(f"{name} on import {number}", module, effect)
        for imported in set().union(*module.imports.values()):
            self._import(imported)

    def _define(self, module: Module, name: str) -> None:
        key = f"{module.name}.{name}"
        if key in self._defined or key in NOT_COUNTED:
            return
        self._defined.add(key)
        self._import(module.name)
        registry = module.registry(name)
        if registry is not None:
            self.texts[key] = "registry"
            self._has_registry = True
            for target in self._chosen(registry.values()):
                self._follow(*self._sources.split(target))
            return
        for number, definition in enumerate(module.definitions(name)):
            self._count(f"{key} {number}" if number else key, module, definition)

    def _chosen(self, targets: Iterable[str]) -> list[str]:
        """Return the modules of a registry in which an entry point is, or all."""
        targets = list(targets)
        chosen = [
            target
            for target in targets
            if any(f"{entry}.".startswith(f"{target}.") for entry in self._entries)
        ]
        return chosen or targets

    def _count(self, key: str, module: Module, definition: Definition) -> None:
        if key in self.texts:
            return
        self.texts[key] = definition.text
        self._waiting.append((module, definition))
        if definition.is_class:
            is_open = self._has_foreign_base(module, definition)
            self._classes[key] = _Class(module, key, definition, is_open)

    def _read_methods(self, known: _Class) -> None:
        for name, method in known.definition.methods.items():
            is_used = known.is_open or self._all_methods or name in self._attributes
            if is_used and name not in known.counted:
                known.counted.add(name)
                self._count(f"{known.key}.{name}", known.module, method)

    def _has_foreign_base(self, module: Module, definition: Definition) -> bool:
        """Whether code outside the package may call methods: it knows one of the bases."""
        for base in definition.bases:
            first, *rest = base.split(".")
            if first in module.bindings:
                owner, name = module, first
            elif any(map(is_ours, module.imports.get(first, ()))):
                found, inner = self._sources.split(min(module.imports[first]))
                owner, (name, *_) = self._sources.module(found), [*inner, *rest]
            elif first in _PLAIN_BASES and first in (*module.imports, *dir(builtins)):
                continue
            else:
                return True
            if any(self._has_foreign_base(owner, one) for one in owner.definitions(name)):
                return True
        return False


_PLAIN_BASES: Final = {
    *("object", "Exception", "ValueError", "RuntimeError", "NamedTuple", "Protocol", "ABC"),
    *("Generic", "TypedDict"),
}
"""Bases beyond the package that call no method but those with two underscores on either side."""

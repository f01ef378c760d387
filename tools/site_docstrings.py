"""Docstrings of the package as Markdown, for mkdocstrings: their roles and formulas."""

import re
from typing import Any, Final

from griffe import Attribute, Class, Docstring, Extension, Object
from latex2mathml.converter import convert

_ROLE: Final = re.compile(r":(?:class|func|meth|mod|data|attr|exc):`~?([^`]+)`")
_FORMULA: Final = re.compile(r":math:`([^`]+)`")
_FORMULA_BLOCK: Final = re.compile(r"^ *\.\. math::[ \n]((?:.+\n?)+)", re.MULTILINE)


class Roles(Extension):
    """Shows names as code and TeX as MathML, and the fields of named tuples."""

    def on_class(self, *, cls: Class, **_: Any) -> None:
        """Add the fields of a named tuple, which its signature does not show, to its docstring."""
        if "NamedTuple" in map(str, cls.bases):
            fields = [name for name, member in cls.members.items() if isinstance(member, Attribute)]
            text = cls.docstring.value if cls.docstring is not None else ""
            named = ", ".join(f"`{name}`" for name in fields)
            cls.docstring = Docstring(f"{text}\n\nFields: {named}.", parent=cls)

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rewrite the docstring of ``obj``."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)


def as_markdown(text: str) -> str:
    """Return a docstring with its roles and formulas as Markdown and HTML."""
    text = _FORMULA_BLOCK.sub(lambda match: _block(match[1]), text)
    text = _FORMULA.sub(lambda match: _inline(match[1]), text)
    return _ROLE.sub(r"`\1`", text)


def _block(tex: str) -> str:
    return f"\n{convert(' '.join(tex.split()), display='block')}\n\n"


def _inline(tex: str) -> str:
    # In a span: on its own, an element at the beginning of a line would end the paragraph.
    return f"<span>{convert(' '.join(tex.split()))}</span>"

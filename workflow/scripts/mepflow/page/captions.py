"""Captions of the Snakemake report, reStructuredText with Jinja expressions, as HTML."""

import re
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Final

from docutils.core import publish_parts
from docutils.utils import SystemMessage
from jinja2 import Environment, StrictUndefined, TemplateError
from markupsafe import Markup

from mepflow.errors import InputError

_MARKUP: Final = re.compile(r"([^\w\s]|_)")
_SETTINGS: Final[dict[str, Any]] = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "report_level": 5,
    "halt_level": 4,
    "initial_header_level": 3,
}


def _literal(value: Any) -> str:
    """Return a value as text in which reStructuredText finds no markup."""
    return _MARKUP.sub(r"\\\1", str(value))


# Only values are escaped, not the captions: an id such as `a <b>`_ must not become a link.
_ENVIRONMENT: Final = Environment(undefined=StrictUndefined, finalize=_literal, autoescape=False)


def caption_html(
    template: str,
    config: Mapping[str, Any],
    wildcards: Mapping[str, str] | None = None,
    params: Mapping[str, Any] | None = None,
) -> Markup:
    """Return a caption as HTML.

    In the template ``snakemake`` has ``config``, ``wildcards`` and ``params``, as in the report.
    Raises :class:`InputError` where it is not a caption that can be filled in with these.
    """
    namespace = SimpleNamespace(
        config=config,
        wildcards=SimpleNamespace(**(wildcards or {})),
        params=SimpleNamespace(**(params or {})),
    )
    try:
        text = _ENVIRONMENT.from_string(template).render(snakemake=namespace)
        parts = publish_parts(text, writer="html5", settings_overrides=_SETTINGS)
    except (TemplateError, SystemMessage) as error:
        beginning = template.strip().partition("\n")[0]
        raise InputError(
            f"the caption that begins with {beginning!r} cannot be filled in ({error}): "
            "mend it in workflow/report."
        ) from error
    return Markup(parts["body"])

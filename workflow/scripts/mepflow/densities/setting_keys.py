"""Whether a row of the configuration has the keys of its settings."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from mepflow.errors import ConfigError


def require_keys(settings: type, row: Mapping[str, Any], what: str) -> None:
    """Raise :class:`ConfigError` where a row has not exactly the fields of a dataclass."""
    expected = {field.name for field in fields(settings)}
    if set(row) != expected:
        raise ConfigError(
            f"{what} must have exactly the keys {sorted(expected)}, not {sorted(row)}: mend it in "
            "the configuration."
        )

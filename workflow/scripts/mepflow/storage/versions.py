"""Versions of file formats: older content is upgraded step by step, newer content is refused."""

from collections.abc import Callable, Mapping
from typing import Any

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]
"""From the content of one version to that of the next."""


class NewerVersionError(Exception):
    """The content is of a version that this program does not know; the message names both."""


def checked_version(version: object, upgrades: Mapping[int, Upgrade], current: int) -> int:
    """Return ``version`` where it is the ``current`` one or has a step in ``upgrades``.

    Raises :class:`NewerVersionError`, and ``ValueError`` where it is no version of the format.
    """
    if isinstance(version, bool) or not isinstance(version, int):
        raise ValueError("it does not tell the version of its format")
    if version > current:
        raise NewerVersionError(f"version {str(version)[:12]}, this mepflow reads up to {current}")
    if version != current and version not in upgrades:
        raise ValueError(f"its format has no version {version}")
    return version


def upgraded(
    content: Mapping[str, Any], version: object, upgrades: Mapping[int, Upgrade], current: int
) -> dict[str, Any]:
    """Return ``content`` as the ``current`` version has it.

    ``upgrades`` has a step for each earlier version that can be read. Raises
    :class:`NewerVersionError`, and ``ValueError`` where ``version`` is no version of the format.
    """
    found = dict(content)
    for step in range(checked_version(version, upgrades, current), current):
        found = upgrades[step](found)
    return found

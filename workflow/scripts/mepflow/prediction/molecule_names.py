"""Names of molecules that are files' names everywhere, and each only once."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

_LONGEST_NAME: Final = 100
"""In bytes: with an end and a number, far below what file systems take."""


class MoleculeNames:
    """The names that are taken; ``A`` and ``a`` are one, as they are one file on some systems."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {name.casefold() for name in taken}
        self._numbers: dict[str, int] = {}

    def take(self, wanted: str) -> str:
        """Return ``wanted`` as the name of a file, with the first number that is free if need be.

        The name depends on those that are taken alone, not on the way to them.
        """
        name = file_name(wanted)
        key = name.casefold()
        if key in self._taken:
            number = self._numbers.get(key, 2)
            while f"{key}_{number}" in self._taken:
                number += 1
            self._numbers[key] = number
            name = f"{name}_{number}"
        self._taken.add(name.casefold())
        return name


def file_name(text: str) -> str:
    """Return a name with letters and digits of any alphabet, short enough for every file system."""
    name = re.sub(r"[^\w.+-]+", "_", unicodedata.normalize("NFC", text))
    while len(name.encode()) > _LONGEST_NAME:
        name = name[:-1]
    return name.strip("._-") or "molecule"

"""What a user is told about a file that was named and cannot be read: one sentence."""

import errno
from pathlib import Path
from typing import Final

from mepflow.errors import InputError

_CORRECT: Final = "correct its name or its path"
_REASONS: Final = {
    errno.ENOENT: ("does not exist", _CORRECT),
    errno.ENOTDIR: ("does not exist: a part of its path is no folder", _CORRECT),
    errno.EISDIR: ("is a folder, not a file", "name the file"),
    errno.EACCES: ("may not be read", "give the right to read it"),
    errno.EPERM: ("may not be read", "give the right to read it"),
}


def check_readable(path: str | Path) -> None:
    """Raise :func:`unreadable` where a file that the user named cannot be opened and read."""
    try:
        with Path(path).open("rb") as file:
            file.read(1)
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: str | Path, error: OSError) -> InputError:
    """Return the error that says why a file that the user named was not read, and what to do."""
    other = (f"cannot be read ({error.strerror or error})", "mend that or name another file")
    what, remedy = _REASONS.get(error.errno or 0, other)
    return InputError(f"{path} {what}: {remedy}.")

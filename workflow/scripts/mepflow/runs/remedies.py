"""What a user can do about errors of the system: no space, no right to write, no memory."""

import errno
from typing import Final

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN: Final = (errno.EROFS, errno.EACCES, errno.EPERM)


def remedy(error: BaseException, rule: str) -> str | None:
    """Return one sentence on an error of a job of ``rule``, or None where this is no such error."""
    # PyTorch's errors, by what marks them: only the standard library is imported here.
    if type(error).__name__ == "OutOfMemoryError":
        return (
            f"The GPU's memory ran out in rule {rule}: free it of other jobs and run again, lower "
            "training.batch_size, or set training.device to cpu."
        )
    no_memory = isinstance(error, OSError) and error.errno == errno.ENOMEM
    of_torch = isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    if no_memory or of_torch or isinstance(error, MemoryError):
        return (
            f"Memory ran out in rule {rule}: run again with more, for instance "
            f"--set-resources {rule}:mem_mb=32000, or with fewer jobs at a time."
        )
    return file_remedy(error) if isinstance(error, OSError) else None


def file_remedy(error: OSError) -> str | None:
    """Return one sentence where a disk is full or a right is lacking, or None for other errors."""
    place = str(error.filename) if error.filename else "A file"
    if error.errno in _FULL:
        return (
            f"{place} could not be written, the disk is full or the quota used up: make "
            "room and run again, which goes on where this stopped."
        )
    if error.errno in _FORBIDDEN:
        return (
            f"{place}: {error.strerror}: give the right to use it, or set `results` to another "
            "folder."
        )
    return None

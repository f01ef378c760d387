"""Writing files so that a reader never sees half of one."""

import contextlib
import glob
import os
import uuid
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` that becomes ``path`` when the block succeeds.

    The temporary file keeps the suffix (writers look at it), is flushed to disk before the rename,
    and is removed when the block raises. A kill leaves at most a hidden ``.name.*.partial`` file,
    for :func:`remove_partial_files`. An ``OSError`` names ``path``.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}.partial{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.filename in (None, str(temporary)):
            error.filename = str(path)
        raise
    finally:
        with contextlib.suppress(OSError):  # it would hide why there is something to remove
            temporary.unlink(missing_ok=True)


def remove_partial_files(path: str | Path) -> None:
    """Remove what killed writers of ``path`` have left; no other may be writing it now."""
    path = Path(path)
    for leftover in path.parent.glob(f".{glob.escape(path.stem)}.*.partial{path.suffix}"):
        leftover.unlink(missing_ok=True)


def cache_folder() -> Path:
    """Return where this user's machine keeps what can be made again.

    It may not exist; raises ``RuntimeError`` where the user has no home folder.
    """
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mepflow"

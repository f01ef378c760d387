"""Who holds Snakemake's lock on a working directory, and its removal where that process is dead.

Snakemake's lock is a list of files without a word about the process that made it. Where the
process is killed it stays, and nobody can tell it from that of a run that goes on. So a run writes
beside it which process it is: host, start of the host, namespace of process ids, id, and start of
the process, which together no other process ever has. A lock without such a record, or of another
host or container, is left as it is.
"""

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

from mepflow.storage.files import atomic_path

FOLDER: Final = Path(".snakemake/locks")
"""Where Snakemake's locks of a working directory are."""
_PIDS: Final = 1 << 22
"""Linux numbers no process higher."""
_LOCK_SUFFIX: Final = ".lock"
_OWNER_SUFFIX: Final = ".owner.json"


@dataclass(frozen=True)
class LockOwner:
    """A process, known for good; ``lock_ns`` is when the lock beside it was made."""

    host: str
    boot: str
    namespace: str
    pid: int
    started: str
    lock_ns: int

    @classmethod
    def this_process(cls, lock: Path) -> Self:
        """Return the process that runs this as the owner of a lock."""
        pid = os.getpid()
        modified = lock.stat().st_mtime_ns
        return cls(platform.node(), _boot(), _namespace(), pid, _start_of(pid), modified)

    def is_dead(self) -> bool:
        """Return whether the process has surely ended, as far as can be told from here."""
        if self.host != platform.node() or not (self.boot and self.namespace and self.started):
            return False
        if self.boot != _boot():  # the machine was started since
            return bool(_boot())
        if self.namespace != _namespace():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:  # of another user, whose start may be hidden
            return False
        return _start_of(self.pid) != self.started


def record_owner(locks: Iterable[str | Path]) -> None:
    """Write beside each of these locks that this process has made it."""
    for lock in map(Path, locks):
        with atomic_path(_record_of(lock)) as path:
            path.write_text(json.dumps(asdict(LockOwner.this_process(lock))) + "\n")


def remove_dead_locks(folder: Path = FOLDER) -> list[LockOwner]:
    """Remove the locks whose process is dead, and return the processes, each once."""
    removed = []
    for lock, owner in _owned(folder):
        if owner.is_dead() and _removed(lock, owner):
            removed.append(owner)
    return list({owner.pid: owner for owner in removed}.values())


def _removed(lock: Path, owner: LockOwner) -> bool:
    """Remove a lock, unless another run has removed it and made its own of the same name since."""
    aside = lock.with_name(f"{lock.name}.{os.getpid()}.dead")
    try:
        lock.rename(aside)
        if aside.stat().st_mtime_ns != owner.lock_ns:
            aside.rename(lock)
            return False
        aside.unlink()
        _record_of(lock).unlink(missing_ok=True)
    except OSError:  # gone, or no right to: Snakemake says what its lock means
        return False
    return True


def _owned(folder: Path) -> list[tuple[Path, LockOwner]]:
    """Return the locks with a record of their owner, made when the record says."""
    found = []
    for lock in sorted(folder.glob(f"*{_LOCK_SUFFIX}")):
        try:
            owner = LockOwner(**json.loads(_record_of(lock).read_text()))
            is_its = owner.lock_ns == lock.stat().st_mtime_ns and 0 < owner.pid < _PIDS
        except (OSError, ValueError, TypeError, RecursionError):
            continue
        if is_its:
            found.append((lock, owner))
    return found


def _record_of(lock: Path) -> Path:
    return lock.with_name(lock.name + _OWNER_SUFFIX)


def _boot() -> str:
    return _text(Path("/proc/sys/kernel/random/boot_id"))


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _start_of(pid: int) -> str:
    """Return when a process began, in ticks since the host did, or nothing where it has ended."""
    fields = _text(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    if len(fields) < 20 or fields[0] in "ZX":  # a zombie works no more
        return ""
    return fields[19]


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""

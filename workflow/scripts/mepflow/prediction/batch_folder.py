"""The files of a call while it is at work: a kill loses a few molecules, and the rest goes on.

They lie in the folder :data:`UNFINISHED` of the results' folder. Tables grow by whole molecules;
after some molecules a line of ``progress.jsonl`` says how many are done and how long each table is.
A later call with the same key cuts the tables to what the last whole line says and goes on. All
files move into the results' folder at the end, so that nobody sees results of two calls together.
"""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

from mepflow.errors import InputError
from mepflow.prediction.folder_listing import replace_listing

UNFINISHED: Final = "mepflow-unfinished"
_PROGRESS: Final = "progress.jsonl"


@dataclass
class Finished:
    """Molecules that are done: how many, how many without failure, and in a periodic cell.

    ``names`` are theirs, ``files`` those that belong to one of them alone.
    """

    done: int = 0
    predicted: int = 0
    periodic: int = 0
    names: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    def add(self, other: "Finished") -> None:
        """Add those of ``other``."""
        self.done += other.done
        self.predicted += other.predicted
        self.periodic += other.periodic
        self.names += other.names
        self.files += other.files


class BatchFolder:
    """The unfinished files of a call; use it as a context, which closes them.

    ``key`` stands for all that the results depend on: what a call with another one left is removed.
    ``resumed`` molecules were finished by a call with the same key, and ``is_anew`` tells whether
    some were by one with another. Raises :class:`InputError` where another call is at work in the
    folder.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder
        self.place = folder / UNFINISHED
        self.finished = Finished()
        self._new = Finished()
        self._tables: dict[str, BinaryIO] = {}
        self._sizes: dict[str, int] = {}
        self._is_ours = not folder.exists()
        self.place.mkdir(parents=True, exist_ok=True)
        self._progress = (self.place / _PROGRESS).open("a+b")
        self._lock()
        lines = list(self._whole_lines())
        if not self._go_on(lines, key):
            self.finished, self._sizes = Finished(), {}
            self._begin(key)
        self.resumed = self.finished.done
        self.is_anew = len(lines) > 1 and not self.resumed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for file in (*self._tables.values(), self._progress):
            with contextlib.suppress(OSError):  # of a full disk, which has been said
                file.close()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._progress, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._progress.close()
            raise InputError(
                f"Another call is writing into {self.folder}: wait for it, or give another "
                "--output."
            ) from None

    def _whole_lines(self) -> Iterator[dict[str, Any]]:
        """Yield the whole lines of the progress, and cut off what a kill has torn."""
        self._progress.seek(0)
        end = 0
        for line in self._progress.read().splitlines(keepends=True):
            try:
                content = json.loads(line)
            except ValueError:
                break
            if not line.endswith(b"\n") or not isinstance(content, dict):
                break
            end += len(line)
            yield content
        self._progress.truncate(end)

    def _go_on(self, lines: list[dict[str, Any]], key: str) -> bool:
        """Take over what a call with the same key has finished, if its tables are whole."""
        if not lines or lines[0] != {"key": key}:
            return False
        is_complete = "complete" in lines[-1]
        for line in lines[1 : -1 if is_complete else None]:
            self._sizes = line.pop("sizes")
            self.finished.add(Finished(**line))
        if is_complete:  # some may have moved
            return True
        for name, size in self._sizes.items():
            path = self.place / name
            if not path.is_file() or path.stat().st_size < size:
                return False
            os.truncate(path, size)
        return True

    def _begin(self, key: str) -> None:
        for path in self.place.iterdir():
            if path.name != _PROGRESS:
                path.unlink()
        self._progress.truncate(0)
        self._write_line({"key": key})

    def append(self, table: str, text: str, header: str = "") -> None:
        """Add to a table, which begins with ``header``."""
        if table not in self._tables:
            self._tables[table] = (self.place / table).open("ab")
        begin = "" if self.has(table) else header
        self._tables[table].write((begin + text).encode())

    def has(self, table: str) -> bool:
        """Return whether there is something in a table."""
        file = self._tables.get(table)
        return self._sizes.get(table, 0) > 0 if file is None else file.tell() > 0

    def note(self, name: str, files: list[str], *, predicted: bool, periodic: bool = False) -> None:
        """Note that a molecule is done, and the ``files`` of its own in :attr:`place`."""
        self._new.add(Finished(1, int(predicted), int(periodic), [name], files))

    def commit(self) -> None:
        """Make what was added since the last time outlast a kill."""
        for name, file in self._tables.items():
            file.flush()
            os.fsync(file.fileno())
            self._sizes[name] = file.tell()
        self._write_line(vars(self._new) | {"sizes": self._sizes})
        self.finished.add(self._new)
        self._new = Finished()

    def _write_line(self, content: Mapping[str, Any]) -> None:
        self._progress.write(json.dumps(content).encode() + b"\n")
        self._progress.flush()
        os.fsync(self._progress.fileno())

    def publish(self, tables: list[str]) -> list[Path]:
        """Move all files into the results' folder, of which those of earlier calls are removed.

        Returns them, those of molecules first. Can be called again after a kill.
        """
        for file in self._tables.values():
            file.close()
        self._write_line({"complete": True})
        written = [self.folder / name for name in (*self.finished.files, *tables)]
        for path in written:
            with contextlib.suppress(FileNotFoundError):  # moved before a kill
                (self.place / path.name).replace(path)
        replace_listing(self.folder, self.finished.names, written)
        shutil.rmtree(self.place)
        return written

    def discard(self) -> None:
        """Remove the unfinished files, and the results' folder if it was not there before."""
        shutil.rmtree(self.place)
        if self._is_ours:
            self.folder.rmdir()

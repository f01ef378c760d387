"""The files of an archive, one after the other: from a tar or zip file or a folder.

Memory is constant, whatever the size of the archive. Nothing is ever unpacked to disk and no name
in an archive is used as a path. A file that cannot be a record (too large, a link) is reported; an
archive that is damaged or cut short ends in an error.
"""

import io
import posixpath
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from mepflow.errors import InputError
from mepflow.storage.packings import UNPACKING_ERRORS, ZIP, beginning, unpacked
from mepflow.storage.unreadable import unreadable

HEADER_LIMIT: Final = 1 << 16
"""Largest extended tar header in bytes (long names): a larger one is damage or malice."""
SKIPPED_LIMIT: Final = 1 << 32
"""Most bytes of the files in a tar file that are not read, all together: tarfile skips them block
by block, and an archive of a megabyte can hold terabytes of zeros."""
NAME_LIMIT: Final = 100
"""Characters of a file's name that are reported."""

_EXTENDED_HEADERS: Final = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_DAMAGE: Final = (
    *UNPACKING_ERRORS,
    tarfile.TarError,
    # Of mangled tar headers.
    LookupError,
    OverflowError,
    RecursionError,
    zipfile.BadZipFile,
    RuntimeError,  # of zipfile: encrypted, or packed in a way that it does not know
)


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive: its name without folders, and its content or why there is none."""

    name: str
    content: bytes = b""
    problem: str = ""


def read_members(path: Path, suffix: str, size_limit: int) -> Iterator[Member]:
    """Yield the files with ``suffix`` of a folder, a zip file, or a tar file.

    A tar file may be packed with bzip2, gzip or xz; what a file holds counts, not its name. A file
    larger than ``size_limit`` bytes is not read. Hidden files are left out (a tar file made on a
    Mac holds one beside each file). Raises :class:`InputError` where ``path`` is missing, or is not
    an archive that is whole from its first byte to its last.
    """
    try:
        is_folder = path.is_dir()
        begin = b"" if is_folder else beginning(path)
    except OSError as error:
        raise unreadable(path, error) from error
    if is_folder:
        yield from _read_folder(path, suffix, size_limit)
    else:
        read = _read_zip if begin.startswith(ZIP) else _read_tar
        yield from read(path, suffix, size_limit)


def _read_folder(folder: Path, suffix: str, size_limit: int) -> Iterator[Member]:
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise unreadable(folder, error) from error
    for path in paths:
        if not _is_wanted(path.name, suffix):
            continue
        try:
            with path.open("rb") as file:
                content = file.read(size_limit + 1)
        except OSError as error:
            yield Member(_printable(path.name), problem=f"cannot be read: {error.strerror}")
            continue
        if len(content) > size_limit:
            yield Member(_printable(path.name), problem=_too_large(size_limit))
        else:
            yield Member(_printable(path.name), content)


def _read_tar(path: Path, suffix: str, size_limit: int) -> Iterator[Member]:
    count = skipped = 0
    try:
        with (
            decompressed(path) as stream,
            # The strict decompressor is outside tarfile: inside ("r|bz2"), a file that is cut short
            # between two members would look complete.
            tarfile.open(fileobj=stream, mode="r|", tarinfo=_StrictTarInfo) as tar,
        ):
            while (info := tar.next()) is not None:
                tar.members = []  # type: ignore[attr-defined]  # else it keeps every header it saw
                if not 0 <= info.size <= SKIPPED_LIMIT:
                    raise tarfile.ReadError(f"a file of {info.size} bytes")
                skipped += info.size if info.size > size_limit else 0
                if skipped > SKIPPED_LIMIT:
                    raise tarfile.ReadError(f"{skipped} bytes in files that are no records")
                count += 1
                name = posixpath.basename(info.name)
                if _is_wanted(name, suffix) and not info.isdir():
                    yield _tar_member(tar, info, _printable(name), size_limit)
            while stream.read(tarfile.RECORDSIZE):
                pass  # the rest is padding, but at its end the decompressor compares check sums
    except _DAMAGE as error:
        raise InputError(
            f"{path} is damaged or cut short after {count} files ({error}): fetch it again."
        ) from error


def _read_zip(path: Path, suffix: str, size_limit: int) -> Iterator[Member]:
    count = 0
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                name = posixpath.basename(info.filename)
                if not _is_wanted(name, suffix) or info.is_dir():
                    continue
                with archive.open(info) as file:
                    content = file.read(size_limit + 1)
                count += 1
                if len(content) > size_limit:
                    yield Member(_printable(name), problem=_too_large(size_limit))
                else:
                    yield Member(_printable(name), content)
    except _DAMAGE as error:
        raise InputError(
            f"{path} is a zip file that is damaged after {count} files ({error}): fetch it again."
        ) from error


def _tar_member(tar: tarfile.TarFile, info: tarfile.TarInfo, name: str, limit: int) -> Member:
    if not info.isreg():
        return Member(name, problem="is a link or a device, not a file")
    if info.size > limit:
        return Member(name, problem=_too_large(limit))
    file = tar.extractfile(info)
    return Member(name, file.read() if file else b"")


class _StrictTarInfo(tarfile.TarInfo):
    """Headers that raise where tarfile would stop silently or allocate what a header asks for."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            info = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if len(buf) == tarfile.BLOCKSIZE and not any(buf):
                raise  # two blocks of zeros end every tar file
            # Any other header error after the first one means "end of archive" to tarfile.
            raise tarfile.ReadError(f"no tar header where one is due, {error}") from error
        if info.type in _EXTENDED_HEADERS and info.size > HEADER_LIMIT:
            raise tarfile.ReadError(f"a tar header of {info.size} bytes")
        return info


def decompressed(path: Path) -> io.BufferedIOBase:
    """Open a file by what it holds, not by what it is called.

    Raises :class:`InputError` for a packing that is not read.
    """
    stream: io.BufferedIOBase | None = unpacked(path, beginning(path), path)
    return path.open("rb") if stream is None else stream


def _is_wanted(name: str, suffix: str) -> bool:
    return name.endswith(suffix) and not name.startswith(".")


def _printable(name: str) -> str:
    """Return a name that any file or terminal can take."""
    return ascii(name)[1:-1][:NAME_LIMIT]


def _too_large(limit: int) -> str:
    return f"is larger than {limit // 1024} KiB"

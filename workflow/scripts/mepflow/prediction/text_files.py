"""The text of a file that a user names, in whatever encoding and packing an editor left it."""

import io
from pathlib import Path
from typing import Final

from mepflow.errors import InputError
from mepflow.storage.packings import ENDS, UNPACKING_ERRORS, ZIP, unpacked

MOST_BYTES: Final = 32 * 2**20
"""Largest file that is read, after unpacking."""
_UTF_8_MARK: Final = b"\xef\xbb\xbf"
_UTF_16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_UTF_32_MARKS: Final = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")
_TAR_MARK: Final = slice(257, 262)
_SAMPLE: Final = 256
_SHOWN: Final = 40


def unpacked_suffix(path: Path) -> str:
    """Return the end of a file's name in lower case, without that of a packing."""
    name = path.name.lower()
    for packing in ENDS:
        name = name.removesuffix(packing)
    return Path(name).suffix


def read_text(path: Path) -> str:
    """Return the text of a file, as :func:`text_of` its content; raises :class:`InputError`."""
    return text_of(_read(path), path)


def text_of(content: bytes, path: Path) -> str:
    """Return the text of a file's content of bounded size, with ``\\n`` at the ends of lines.

    UTF-8, UTF-16 and UTF-32 with their byte-order marks, UTF-16 without one, and else Windows-1252
    are understood, and gzip, bzip2 and xz are unpacked. Raises :class:`InputError`, in which
    ``path`` is the file's name.
    """
    content = _unpacked(path, _bounded(path, content))
    if content[_TAR_MARK] == b"ustar":
        raise InputError(f"{path} is a tar archive: unpack it and give the files in it.")
    text = _decoded(content)
    if "\0" in text:
        raise InputError(f"{path} is no text file: give one with a structure.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): correct its name.") from error


def _bounded(path: Path, content: bytes) -> bytes:
    if len(content) > MOST_BYTES:
        limit = MOST_BYTES // 2**20
        raise InputError(f"{path} is larger than {limit} MiB: divide it into smaller files.")
    return content


def _unpacked(path: Path, content: bytes) -> bytes:
    if content.startswith(ZIP):
        raise InputError(f"{path} is packed as zip: unpack it, and give the files in it.")
    try:
        stream = unpacked(io.BytesIO(content), content, path)
        if stream is None:
            return content
        with stream as file:
            return _bounded(path, file.read(MOST_BYTES + 1))
    except UNPACKING_ERRORS as error:
        raise InputError(f"{path} is damaged or cut short: pack it again.") from error


def _decoded(content: bytes) -> str:
    if content.startswith(_UTF_8_MARK):
        return content.decode("utf-8-sig", errors="replace")
    if content.startswith(_UTF_32_MARKS):
        return content.decode("utf-32", errors="replace")
    if content.startswith(_UTF_16_MARKS):
        return content.decode("utf-16", errors="replace")
    if order := _order_of_utf_16(content[:_SAMPLE]):
        return content.decode(order, errors="replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _order_of_utf_16(sample: bytes) -> str:
    """Return the byte order of UTF-16 without a mark: every other byte of plain text is 0."""
    even, odd = sample[::2], sample[1::2]
    if odd and not any(odd) and all(even):
        return "utf-16-le"
    return "utf-16-be" if even and not any(even) and all(odd) else ""


def shown(text: str) -> str:
    """Return a piece of a file as it can stand in a message: quoted, printable and short."""
    return ascii(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")

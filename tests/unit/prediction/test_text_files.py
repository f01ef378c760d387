"""Encodings, ends of lines and packings of the files that a user names."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mepflow.errors import InputError
from mepflow.prediction.input_batch import read_structures
from mepflow.prediction.text_files import read_text, unpacked_suffix

TEXT = "1\nhélium, ångström\nHe 0 0 0\n"
ENCODINGS = {
    "UTF-8": TEXT.encode(),
    "UTF-8 with mark": TEXT.encode("utf-8-sig"),
    "UTF-16 with mark": TEXT.encode("utf-16"),
    "UTF-16 little": TEXT.encode("utf-16-le"),
    "UTF-16 big": TEXT.encode("utf-16-be"),
    "UTF-32": TEXT.encode("utf-32"),
    "Windows-1252": TEXT.encode("cp1252"),
    "Windows' lines": TEXT.replace("\n", "\r\n").encode(),
    "old Mac's lines": TEXT.replace("\n", "\r").encode(),
    "gzip": gzip.compress(TEXT.encode()),
    "bzip2": bz2.compress(TEXT.encode()),
    "xz": lzma.compress(TEXT.encode()),
}


@pytest.mark.parametrize("content", ENCODINGS.values(), ids=ENCODINGS)
def test_text_is_read(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_bytes(content)
    assert read_text(tmp_path / "a.xyz") == TEXT


def zipped() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("a.xyz", TEXT)
    return content.getvalue()


def tarred() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as file:
        file.addfile(tarfile.TarInfo("a.xyz"), io.BytesIO(b""))
    return content.getvalue()


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "zip": (zipped, "is packed as zip: unpack it"),
    "mangled gzip": (lambda: gzip.compress(TEXT.encode())[:12] + bytes(9), "is damaged or cut"),
    "cut xz": (lambda: lzma.compress(TEXT.encode())[:-9], "is damaged or cut short"),
    "tar.gz": (tarred, "is a tar archive: unpack it"),
    "zstd": (lambda: b"\x28\xb5\x2f\xfd" + bytes(20), "is packed as zstd"),
    "cut gzip": (lambda: gzip.compress(TEXT.encode())[:-6], "is damaged or cut short"),
    "bomb": (lambda: gzip.compress(bytes(40 * 2**20)), "is larger than 32 MiB"),
    "binary": (lambda: bytes(range(256)), "is no text file"),
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_text_is_named(make: Callable[[], bytes], message: str, tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_bytes(make())
    with pytest.raises(InputError, match=message):
        read_text(tmp_path / "a.xyz")


def test_names_of_packed_files(tmp_path: Path) -> None:
    assert unpacked_suffix(Path("a.XYZ.gz")) == ".xyz"
    (tmp_path / "neon.xyz.gz").write_bytes(gzip.compress(b"1\n\nNe 0 0 0\n"))
    assert read_structures([tmp_path / "neon.xyz.gz"])[0].molecule.id == "neon"

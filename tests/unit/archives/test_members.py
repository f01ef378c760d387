"""Streaming from tar files and folders: whole or an error, and nothing but reading."""

import bz2
import contextlib
import gzip
import io
import shutil
import tarfile
import tracemalloc
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qm9_records import name, record, write_tar

from mepflow.archives import members
from mepflow.archives.members import HEADER_LIMIT, read_members
from mepflow.errors import InputError

LIMIT = 1 << 16
FILES = [(name(number), record(number)) for number in range(1, 9)]


def read(path):
    return [(m.name, m.content, m.problem) for m in read_members(path, ".xyz", LIMIT)]


EXPECTED = [(member, content, "") for member, content in FILES]


@pytest.mark.parametrize("compression", ["", ":gz", ":bz2", ":xz"])
@pytest.mark.parametrize("style", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_every_tar_file_gives_the_same(tmp_path, compression, style):
    path = tmp_path / "archive"  # the name says nothing about the compression
    with tarfile.open(path, f"w{compression}", format=style) as tar:
        for member, content in FILES:
            info = tarfile.TarInfo(f"./some folder/{member}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    assert read(path) == EXPECTED


def test_a_folder_gives_the_same(tmp_path):
    for member, content in reversed(FILES):
        (tmp_path / member).write_bytes(content)
    (tmp_path / "README").write_text("not a record")
    (tmp_path / "._hidden.xyz").write_text("not a record")
    assert read(tmp_path) == EXPECTED


def write_zip(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("some folder/", b"")
        archive.writestr("README", b"not a record")
        for member, content in files:
            archive.writestr(f"some folder/{member}", content)
    return path


def test_a_zip_file_gives_the_same(tmp_path):
    path = write_zip(tmp_path / "archive", FILES)  # the name says nothing
    assert read(path) == EXPECTED
    large = write_zip(tmp_path / "b.zip", [("a.xyz", b" " * (LIMIT + 1)), *FILES])
    assert read(large) == [("a.xyz", b"", "is larger than 64 KiB"), *EXPECTED]
    content = bytearray(path.read_bytes())
    content[300:400] = bytes(100)
    path.write_bytes(content)
    with pytest.raises(InputError, match="is a zip file that is damaged after"):
        read(path)


@pytest.mark.parametrize(
    ("begin", "packing"),
    [(b"\x28\xb5\x2f\xfd", "zstd"), (b"7z\xbc\xaf\x27\x1c", "7z"), (b"Rar!\x1a\x07", "rar")],
)
def test_a_packing_that_is_not_read_is_named(tmp_path, begin, packing):
    (tmp_path / "a.tar").write_bytes(begin + bytes(600))
    with pytest.raises(InputError, match=f"is packed as {packing}: unpack it"):
        read(tmp_path / "a.tar")


def test_concatenated_bz2_streams_are_one_archive(tmp_path):
    """What parallel compressors write; Python's own tar streaming stops after the first."""
    tar = write_tar(tmp_path / "a.tar", FILES, "w").read_bytes()
    middle = len(tar) // 2
    path = tmp_path / "a.tar.bz2"
    path.write_bytes(bz2.compress(tar[:middle]) + bz2.compress(tar[middle:]))
    assert read(path) == EXPECTED


@pytest.mark.parametrize(
    ("compress", "step"), [(bytes, 256), (bz2.compress, 7), (gzip.compress, 7)]
)
def test_no_cut_is_silent(tmp_path, compress, step):
    plain = write_tar(tmp_path / "whole.tar", FILES, "w").read_bytes()
    content = compress(plain)
    blocks = -(-len(plain.rstrip(b"\0")) // tarfile.BLOCKSIZE)
    marked_end = (blocks + 1) * tarfile.BLOCKSIZE
    path = tmp_path / "cut.tar"
    for size in range(0, len(content), step):
        path.write_bytes(content[:size])
        if compress is bytes and size >= marked_end:
            assert read(path) == EXPECTED  # a piece of the padding after the end is no loss
        else:
            with pytest.raises(InputError, match="damaged or cut short after"):
                read(path)


@pytest.mark.parametrize("compress", [bz2.compress, gzip.compress])
def test_no_flipped_bit_is_silent(tmp_path, compress):
    plain = write_tar(tmp_path / "whole.tar", FILES, "w").read_bytes()
    content = bytearray(compress(plain))
    path = tmp_path / "flipped"
    unnoticed = 0
    for place in range(12, len(content), 11):
        content[place] ^= 4
        path.write_bytes(content)
        with contextlib.suppress(InputError):
            assert read(path) == EXPECTED  # a bit of a code that is not used
            unnoticed += 1
        content[place] ^= 4
    assert unnoticed < 0.2 * len(range(12, len(content), 11))


def test_a_damaged_header_in_the_middle_is_not_the_end(tmp_path):
    path = write_tar(tmp_path / "a.tar", FILES, "w")
    content = bytearray(path.read_bytes())
    fifth = content.index(name(5).encode())
    content[fifth] = ord("X")
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"after 4 files .*no tar header where one is due"):
        read(path)


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"BZh9", b"\x1f\x8b", b"x" * 4096])
def test_what_is_no_archive_is_refused(tmp_path, content):
    path = tmp_path / "archive.tar.bz2"
    path.write_bytes(content)
    with pytest.raises(
        InputError, match=r"archive\.tar\.bz2 is damaged or cut short after 0 files"
    ):
        read(path)


def test_a_missing_archive_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.tar\.bz2 does not exist"):
        read(tmp_path / "none.tar.bz2")


def _link(kind, member, target):
    info = tarfile.TarInfo(member)
    info.type, info.linkname = kind, target
    return info


def test_hostile_members_are_read_or_reported_and_never_written(tmp_path):
    content = record(1)
    members = [
        ("/etc/dsgdb9nsd_000001.xyz", content),
        ("../../../dsgdb9nsd_000001.xyz", content),
        (_link(tarfile.SYMTYPE, "link.xyz", "/etc/passwd"), b""),
        (_link(tarfile.LNKTYPE, "hard.xyz", "../../x"), b""),
        (_link(tarfile.CHRTYPE, "device.xyz", ""), b""),
        (_link(tarfile.FIFOTYPE, "fifo.xyz", ""), b""),
        (_link(tarfile.DIRTYPE, "folder.xyz", ""), b""),
        ("large.xyz", b"1" * (LIMIT + 1)),
        ("just.xyz", b"1" * LIMIT),
        ("line\nbreak,\udcff.xyz", content),
        ("readme.txt", b"1" * 3 * LIMIT),
        ("._mac.xyz", b"\0"),
        (name(2), record(2)),
    ]
    path = write_tar(tmp_path / "hostile.tar.bz2", members)
    before = sorted(tmp_path.rglob("*"))
    found = read(path)
    link = "is a link or a device, not a file"
    assert found == [
        ("dsgdb9nsd_000001.xyz", content, ""),
        ("dsgdb9nsd_000001.xyz", content, ""),
        ("link.xyz", b"", link),
        ("hard.xyz", b"", link),
        ("device.xyz", b"", link),
        ("fifo.xyz", b"", link),
        ("large.xyz", b"", "is larger than 64 KiB"),
        ("just.xyz", b"1" * LIMIT, ""),
        ("line\\nbreak,\\udcff.xyz", content, ""),
        (name(2), record(2), ""),
    ]
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_s_unreadable_files_are_reported(tmp_path):
    (tmp_path / "gone.xyz").symlink_to(tmp_path / "nowhere")
    (tmp_path / "large.xyz").write_bytes(b"1" * (LIMIT + 1))
    (tmp_path / "sub.xyz").mkdir()
    assert [(member, problem) for member, _, problem in read(tmp_path)] == [
        ("gone.xyz", "cannot be read: No such file or directory"),
        ("large.xyz", "is larger than 64 KiB"),
        ("sub.xyz", "cannot be read: Is a directory"),
    ]


def _peak(path) -> int:
    tracemalloc.start()
    try:
        for _ in read_members(path, ".xyz", LIMIT):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_archive(tmp_path):
    few, many = (
        write_tar(tmp_path / f"{n}.tar", [(name(i), record(i)) for i in range(1, n)], "w")
        for n in (100, 3000)
    )
    assert _peak(many) < 1.2 * _peak(few)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_cannot_ask_for_memory(tmp_path, kind):
    info = tarfile.TarInfo("long")
    info.type, info.size = kind, 50 << 20
    path = tmp_path / "bomb.tar.bz2"
    with bz2.open(path, "wb", compresslevel=1) as file:
        file.write(info.tobuf(tarfile.GNU_FORMAT))
        shutil.copyfileobj(io.BytesIO(bytes(info.size)), file)
    with pytest.raises(InputError, match=f"a tar header of {50 << 20} bytes"):
        read(path)
    assert info.size > HEADER_LIMIT


@pytest.mark.parametrize("size", [1 << 33, 1 << 60, -512])
@pytest.mark.parametrize("style", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_size_that_is_not_there_is_an_error_at_once(tmp_path, size, style):
    info = tarfile.TarInfo("huge.xyz")
    info.size = size
    path = tmp_path / "huge.tar"
    if style == tarfile.PAX_FORMAT:
        info.size, info.pax_headers = 4096, {"size": str(size)}
    path.write_bytes(info.tobuf(style) + b"1" * 4096)
    with pytest.raises(InputError, match=f"a file of {size} bytes"):
        read(path)


def test_zeros_without_end_are_not_waited_for(tmp_path, monkeypatch):
    """A member of zeros shrinks a million times: an archive of some KiB can take hours to read."""
    monkeypatch.setattr(members, "SKIPPED_LIMIT", 10 * LIMIT)
    files = [(f"{number}.bin", bytes(3 * LIMIT)) for number in range(5)]
    path = write_tar(tmp_path / "bomb.tar.bz2", files)
    assert path.stat().st_size < 2000
    with pytest.raises(InputError, match=f"after 3 files .{12 * LIMIT} bytes in files that are no"):
        read(path)
    assert read(write_tar(tmp_path / "some.tar.bz2", files[:3])) == []


@given(st.integers(0, 5 * 1536), st.binary(min_size=1, max_size=160))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_change_of_a_tar_file_crashes_the_reader(tmp_path, place, put):
    path = write_tar(tmp_path / "a.tar", FILES, "w")
    content = path.read_bytes()
    path.write_bytes(content[:place] + put + content[place + len(put) :])
    with contextlib.suppress(InputError):
        read(path)

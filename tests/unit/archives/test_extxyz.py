"""Frames of extended XYZ: what is read, and how a frame that breaks the format is left out."""

import bz2
import gzip

import numpy as np
import pytest
from extxyz_frames import HYDROXIDE, WATER, frame, write_frames

from mepflow.archives import extxyz
from mepflow.archives.extxyz import Frame, read_frames
from mepflow.archives.rejected_records import Rejected
from mepflow.errors import InputError


def test_a_frame_with_every_kind_of_column(tmp_path):
    atoms = [(1, 8, "x", *WATER[0][1:], 0.5, "T"), (2, 1, "y", *WATER[1][1:], -0.25, "F")]
    text = frame("a=3", atoms, "Properties=n:I:1:Z:I:1:t:S:1:pos:R:3:q:R:1:on:L:1")
    (found,) = read_frames(write_frames(tmp_path / "a.extxyz", text))
    assert isinstance(found, Frame)
    assert found.atomic_numbers.tolist() == [8, 1]
    np.testing.assert_array_equal(found.positions, [row[1:] for row in WATER[:2]])
    np.testing.assert_array_equal(found.numbers("q"), [[0.5], [-0.25]])
    assert found.info["a"] == 3
    with pytest.raises(ValueError, match="its column t does not hold numbers"):
        found.numbers("t")


def test_plain_xyz_has_the_usual_columns(tmp_path):
    text = frame("water, as drawn", properties="")
    (found,) = read_frames(write_frames(tmp_path / "a.xyz", text))
    assert found.atomic_numbers.tolist() == [8, 1, 1]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("opened", [open, gzip.open, bz2.open], ids=["plain", "gzip", "bzip2"])
def test_any_compression_and_line_end(tmp_path, opened, end):
    path = tmp_path / "frames"
    with opened(path, "wb") as file:
        file.write(
            (end.join([frame(), "", frame("", HYDROXIDE)]) + end + end).replace("\n", end).encode()
        )
    assert [len(found) for found in read_frames(path)] == [3, 2]


def test_members_of_gzip_follow_each_other(tmp_path):
    path = tmp_path / "frames.gz"
    path.write_bytes(b"".join(gzip.compress(frame().encode() + b"\n") for _ in range(3)))
    assert [found.line for found in read_frames(path)] == [1, 6, 11]


LONG = "x" * (extxyz.LINE_LIMIT + 1)
BAD = {
    "no number": (frame(count="3a"), r"line 6 is not a number of atoms: '3a'"),
    "none": (frame("", [], count=0), "it has 0 atoms, not 1 to 1000"),
    "many": (frame(count=1001), "it has 1001 atoms, not 1 to 1000"),
    "too few": (frame(count=4), "it ends after 3 of its 4 atoms"),
    "blank line": (frame(atoms=[*WATER[:1], ("",), *WATER[1:]]), "it ends after 1 of its 4 atoms"),
    "words": (frame(atoms=[*WATER[:2], ("H", 1, 2)]), "line 10 has 3 columns instead of 4"),
    "coordinate": (frame(atoms=[("O", 1, 2, "x")]), "its column 'pos' holds what is no number"),
    "nan": (frame(atoms=[("O", 1, 2, "nan")]), "its column 'pos' holds a number that is not"),
    "element": (frame(atoms=[("Xx", 1, 2, 3)]), "it holds the unknown element 'Xx'"),
    "close": (frame(atoms=[("O", 0, 0, 0), ("H", 0, 0, 0.1)]), "atoms 1 and 2 are closer than"),
    "far": (frame(atoms=[("O", 0, 0, 1e4)]), "an atom is farther than 1000 Å"),
    "crystal": (frame('Lattice="5 0 0 0 5 0 0 0 5"'), "it is periodic"),
    "slab": (frame('pbc="T T F"'), "it is periodic"),
    "lattice": (frame('Lattice="5 0 0"'), "its second line is not one of key=value pairs"),
    "json": (frame('a="_JSON [1,"'), "its second line is not one of key=value pairs"),
    "nested": (frame('a="_JSON ' + "[" * 20_000 + '"'), "its second line is not one of"),
    "long": (frame(LONG), "line 7 is longer than 64 KiB"),
    "bytes": (frame("a=\udcff"), "line 7 is not UTF-8 text"),
    "kind": (frame(properties="Properties=species:S:1:pos:C:3"), "its Properties hold 'pos:C:3'"),
    "columns": (
        frame(properties="Properties=species:S:1:pos:R:3:q:R:999"),
        "its Properties do not",
    ),
    "no place": (frame(properties="Properties=species:S:1:x:R:3"), "where the positions are"),
    "no element": (frame(properties="Properties=a:S:1:pos:R:3"), "do not name the columns"),
    "number": (frame(properties="Properties=3"), "do not name the columns"),
}


@pytest.mark.parametrize(("text", "reason"), BAD.values(), ids=BAD)
def test_a_bad_frame_ends_with_itself(tmp_path, text, reason):
    path = tmp_path / "frames.extxyz"
    path.write_bytes(
        "\n".join([frame(), text, frame("", HYDROXIDE)]).encode("utf-8", "surrogateescape")
    )
    found = list(read_frames(path))
    assert [len(one) for one in found if isinstance(one, Frame)] == [3, 2]
    (rejected,) = (one for one in found if isinstance(one, Rejected))
    assert rejected.record == "line 6"
    assert reason in rejected.reason
    assert rejected.reason.isprintable()


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_an_empty_file_holds_no_frame(tmp_path, text):
    assert list(read_frames(write_frames(tmp_path / "a", text))) == []


@pytest.mark.parametrize("text", ["data_x\n_cell 1", "ITEM: TIMESTEP\n0", "\x00\x01\n"])
def test_another_kind_of_file_is_one_sentence(tmp_path, text):
    with pytest.raises(InputError, match="is no extended XYZ file: line 1 should be a number"):
        list(read_frames(write_frames(tmp_path / "a", text)))


def test_a_missing_or_cut_file_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        list(read_frames(tmp_path / "nothing"))
    whole = gzip.compress("\n".join(frame(f"a={k}") for k in range(300)).encode())
    (tmp_path / "cut.gz").write_bytes(whole[:-20])
    with pytest.raises(InputError, match=r"cut short after \d+ frames .*fetch it again"):
        list(read_frames(tmp_path / "cut.gz"))


def test_a_bomb_is_not_inflated_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(extxyz, "SKIPPED_LIMIT", 1 << 20)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(frame().encode() + b"\n3\n" + bytes(1 << 22)))
    with pytest.raises(InputError, match="line 7 does not end"):
        list(read_frames(tmp_path / "bomb.gz"))

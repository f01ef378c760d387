"""XYZ and extended XYZ files: what is read, and what is said where that cannot be."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import write

from mepflow.errors import InputError
from mepflow.prediction.charge_statements import whole_charge
from mepflow.prediction.xyz import read_xyz
from read_records import read_all

WATER = ["O 0 0 0.1173", "H 0 0.7572 -0.4692", "H 0 -0.7572 -0.4692"]


def frame(comment: str = "", atoms: list[str] = WATER, count: str | None = None) -> str:
    return "\n".join([str(len(atoms)) if count is None else count, comment, *atoms]) + "\n"


def test_one_frame() -> None:
    (record,) = read_all(read_xyz(frame("water, it's nice Properties"), "w.xyz"))
    assert record.place == "w.xyz, frame 1"
    assert record.atomic_numbers.tolist() == [8, 1, 1]
    np.testing.assert_array_equal(record.positions[1], [0.0, 0.7572, -0.4692])
    assert record.stated.total_charge is None


def test_frames_may_have_blank_lines_between_and_more_columns() -> None:
    text = "\n" + frame(atoms=["8  1e0 2. -3 0.5 x"]) + "\n \n" + frame() + "\n\n"
    first, second = read_all(read_xyz(text, "t.xyz"))
    assert (first.place, second.place) == ("t.xyz, frame 1", "t.xyz, frame 2")
    assert first.atomic_numbers.tolist() == [8]
    assert first.positions.tolist() == [[1.0, 2.0, -3.0]]


@pytest.mark.parametrize(
    ("comment", "charge"),
    [
        ("charge=-1", -1),
        ("total_charge=2 name=x", 2),
        ("charge=1.0 total_charge=1", 1),
        ("charge = 1", 1),
        ("a charge without value", None),
        ("", None),
    ],
)
def test_total_charge_of_the_comment(comment: str, charge: int | None) -> None:
    (record,) = read_all(read_xyz(frame(comment), "w.xyz"))
    assert record.stated.total_charge == charge


def test_columns_by_properties() -> None:
    atoms = ["1 7.5 8 0 0 1", "2 7.5 1 0 0 2"]
    text = frame('Properties=tag:I:1:mass:R:1:Z:I:1:pos:R:3 pbc="F F F"', atoms)
    (record,) = read_all(read_xyz(text, "w.xyz"))
    assert record.atomic_numbers.tolist() == [8, 1]
    np.testing.assert_array_equal(record.positions, [[0, 0, 1], [0, 0, 2]])


def test_files_of_ase_are_read(tmp_path: Path) -> None:
    atoms = Atoms("CHO", np.arange(9.0).reshape(3, 3), info={"charge": 1, "note": "a b"})
    atoms.arrays["forces_of_old"] = np.ones((3, 3))
    write(tmp_path / "a.xyz", [atoms, atoms], format="extxyz")
    records = read_all(read_xyz((tmp_path / "a.xyz").read_text(), "a.xyz"))
    assert [record.stated.total_charge for record in records] == [1, 1]
    np.testing.assert_array_equal(records[1].atomic_numbers, atoms.numbers)
    np.testing.assert_allclose(records[1].positions, atoms.positions, atol=1e-8)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x\n", r"f.xyz, frame 1 \(line 1\) should begin with the number of its atoms, not 'x'"),
        (frame(count="4"), "f.xyz, frame 1 ends after 3 of its 4 atoms"),
        (frame(count="4") + frame(), r"f.xyz, frame 1 \(line 6\) has 1 of the 4 columns"),
        (frame() + "4\n\n", "f.xyz, frame 2 ends after 0 of its 4 atoms"),
        (frame() + "rest\n", r"frame 2 \(line 6\) should begin with the number .* not 'rest'"),
        (frame(count="-1"), "should begin with the number of its atoms, not '-1'"),
        (frame(count="٣"), r"not '\\u0663'"),
        (frame(count="0"), "has no atoms"),
        (frame(count="1001"), "has 1001 atoms, more than the 1000"),
        (frame(count="9" * 30), "should begin"),
        (frame(atoms=["O 0 0"]), r"\(line 3\) has 3 of the 4 columns"),
        (frame(atoms=["Q 0 0 0"]), "'Q' is not an element"),
        (frame(atoms=["X 0 0 0"]), "'X' is not an element"),
        (frame(atoms=["0 0 0 0"]), "'0' is not an element"),
        (frame(atoms=["119 0 0 0"]), "'119' is not an element"),
        (frame(atoms=["O 0 nan 0"]), "'nan' is not a coordinate"),
        (frame(atoms=["O 0 1e999 0"]), "'1e999' is not a coordinate"),
        (frame(atoms=["O 0 a\x1b[31m 0"]), r"is not a coordinate"),
        (frame("charge=0.5"), "charge='0.5' is not a whole total charge in e"),
        (frame("charge=abc"), "charge='abc' is not a whole"),
        (frame('charge="1 2"'), "is not a whole total charge"),
        (frame("charge=1e9"), "is not a whole total charge"),
        (frame("charge=1 total_charge=0"), "states total charges that differ, 0 and 1"),
        (frame("Properties=species:S:1"), "does not name the columns"),
        (frame("Properties=species:S:1:pos:R:3:x:R:5000"), "does not name the columns"),
        (frame("Properties=species:S:1:pos:R"), "does not name the columns"),
        (frame("Properties=3"), "Properties='3' does not name the columns"),
        (frame("Properties=species:S:1:pos:R:3:f:R:3"), r"\(line 3\) has 4 of the 7 columns"),
        (frame("x" * 10_001), "has a comment of 10001 characters"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_all(read_xyz(text, "f.xyz"))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("value", [np.nan, np.inf, "one", None, [1], 10**400, 1.5, -101])
def test_what_is_no_charge(value: object) -> None:
    with pytest.raises(InputError, match="not a whole total charge"):
        whole_charge(value, "x")

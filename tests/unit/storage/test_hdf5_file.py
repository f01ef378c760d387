"""Files are read as h5py reads them, and a heap of texts that has no end is refused."""

import resource
import struct
from pathlib import Path

import h5py
import numpy as np
import pytest

from mepflow.errors import InputError
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.storage.hdf5_file import create_hdf5, open_hdf5, read_attribute


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "é.h5"
    with h5py.File(path, "w") as file:
        file["texts"] = [f"text {number}" * number for number in range(200)]
        file["long"] = ["x" * 10_000, "y"]
        file["numbers"] = np.arange(10_000.0)
        file.attrs["attribute"] = "some text"
    return path


def heaps(content: bytes) -> list[int]:
    """Return where the heaps of texts begin."""
    places, place = [], content.find(b"GCOL")
    while place >= 0:
        places.append(place)
        place = content.find(b"GCOL", place + 4)
    return places


def test_everything_is_read(path: Path) -> None:
    with open_hdf5(path) as file, h5py.File(path) as expected:
        assert file.filename == str(path)
        assert file.attrs["attribute"] == "some text"
        for name in expected:
            np.testing.assert_array_equal(file[name][()], expected[name][()])
    assert len(heaps(path.read_bytes())) > 3


def test_nothing_can_be_written(path: Path) -> None:
    with open_hdf5(path) as file, pytest.raises((OSError, ValueError)):
        file["more"] = 1


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), open_hdf5(tmp_path / "none.h5"):
        pass


@pytest.mark.parametrize("content", [b"", b"text", b"\x89HDF\r\n\x1a\n"])
def test_what_is_not_hdf5_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.h5").write_bytes(content)
    with pytest.raises(OSError, match="file"), open_hdf5(tmp_path / "a.h5"):
        pass


def test_a_block_of_zeros_in_a_heap_is_an_error_and_no_hang(tmp_path: Path) -> None:
    """HDF5 2.0 alone would never return; files with holes are what a full disk leaves."""
    molecules = [Molecule("m", np.ones(1, np.uint8), np.zeros((1, 3)))]
    path = tmp_path / "table.h5"
    MoleculeTable.from_molecules(molecules).save(path)
    content = bytearray(path.read_bytes())
    (place,) = heaps(content)
    content[place + 64 : place + 512] = bytes(448)
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"table\.h5 is damaged"):
        MoleculeTable.load(path)


@pytest.mark.parametrize("size", [0, 17, 1 << 40, 1 << 63])
def test_sizes_of_a_heap_that_cannot_be(path: Path, size: int) -> None:
    content = bytearray(path.read_bytes())
    for place in heaps(content):
        struct.pack_into("<Q", content, place + 8, size)
    path.write_bytes(content)
    with open_hdf5(path) as file, pytest.raises(OSError, match=r"heap|read"):
        file["texts"][()]


def write_columns(path: Path) -> None:
    with create_hdf5(path) as file:
        for number in range(120):
            file.create_dataset(f"x{number}", data=np.ones(700))
            file[f"x{number}"].attrs["units"] = "bohr"


def test_a_write_that_fails_is_an_error_and_no_crash(tmp_path: Path) -> None:
    """HDF5 itself ends the process where it cannot flush a file when it closes it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit in range(1000, 600_000, 30_011):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
        try:
            with pytest.raises(OSError, match="File too large"):
                write_columns(tmp_path / "a.h5")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    write_columns(tmp_path / "a.h5")


def test_what_is_written_is_what_hdf5_reads(tmp_path: Path) -> None:
    values = np.random.default_rng(1).random((300, 70))
    with create_hdf5(tmp_path / "a.h5") as file:
        file.create_dataset(
            "grown", dtype=float, shape=(0, 70), maxshape=(None, 70), chunks=(7, 70)
        )
        for start in range(0, 300, 50):
            file["grown"].resize(start + 50, axis=0)
            file["grown"][start:] = values[start : start + 50]
        file["whole"] = values
    with h5py.File(tmp_path / "a.h5") as file:
        assert np.array_equal(file["grown"][()], values)
        assert np.array_equal(file["whole"][()], values)


def test_an_attribute_of_an_unknown_kind_is_refused(path: Path) -> None:
    """Reading it with h5py 3.16 alone ends the process with a segmentation fault."""
    content = path.read_bytes()
    text_type = bytes.fromhex("19 01 01 00 10 00 00 00")  # class, kind (1 is text), size
    place = content.index(text_type, content.index(b"attribute\0"))
    path.write_bytes(content[: place + 1] + b"\x03" + content[place + 2 :])
    with open_hdf5(path) as file, pytest.raises(ValueError, match="neither a text nor a number"):
        read_attribute(file, "attribute")


@pytest.mark.parametrize("value", ["é", 7, 2.5])
def test_attributes_come_back(tmp_path: Path, value: object) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["one"] = value
        file.attrs["two"] = [value, value]
        file.attrs["none"] = h5py.Empty("f")
    with open_hdf5(tmp_path / "a.h5") as file:
        assert read_attribute(file, "one") == value
        assert read_attribute(file, "absent") is None
        for name in ("two", "none"):
            with pytest.raises((ValueError, TypeError)):
                read_attribute(file, name)

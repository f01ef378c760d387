"""Arrays come back as they were; a file that asks for memory or code is refused."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mepflow.storage.npz import read_npz

ARRAYS: dict[str, Any] = {
    "in/names": np.array(["a", "bc"]),
    "number": np.array(3.5),
    "rows": np.arange(6).reshape(2, 3),
    "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "none": np.empty((0, 3)),
}


@pytest.mark.parametrize(
    "compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_arrays_come_back(tmp_path: Path, compression: int) -> None:
    np.savez(tmp_path / "stored.npz", **ARRAYS)
    with (
        zipfile.ZipFile(tmp_path / "stored.npz") as stored,
        zipfile.ZipFile(tmp_path / "a.npz", "w", compression) as archive,
    ):
        for name in stored.namelist():
            archive.writestr(name, stored.read(name))
    found = read_npz(tmp_path / "a.npz", 10_000)
    assert list(found) == list(ARRAYS)
    for name, values in ARRAYS.items():
        assert found[name].dtype == values.dtype
        np.testing.assert_array_equal(found[name], values)


def written(content: bytes, compression: int = zipfile.ZIP_STORED) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("a.npy", content)
    return file


def claim(shape: tuple[int, ...], dtype: str = "<f8") -> bytes:
    header = io.BytesIO()
    row = {"shape": shape, "fortran_order": False, "descr": dtype}
    np.lib.format.write_array_header_1_0(header, row)
    return header.getvalue() + bytes(80)


@pytest.mark.parametrize("shape", [(10**12,), (10**9, 10**9, 10**9), (-1,), (-1, -10)])
def test_a_shape_that_is_not_there_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"a\.npy is not an array of float64"):
        read_npz(written(claim(shape)), 10**6)


def test_a_bomb_is_refused() -> None:
    bomb = written(bytes(50_000_000), zipfile.ZIP_DEFLATED)
    assert len(bomb.getvalue()) < 100_000
    with pytest.raises(ValueError, match="it holds more than 1000000 bytes"):
        read_npz(bomb, 10**6)


def test_a_member_that_is_larger_than_it_says_is_refused() -> None:
    bomb = written(bytes(50_000_000), zipfile.ZIP_DEFLATED).getvalue()
    size = (50_000_000).to_bytes(4, "little")
    with pytest.raises(ValueError, match="it is no whole"):
        read_npz(io.BytesIO(bomb.replace(size, (100).to_bytes(4, "little"))), 10**6)


def test_objects_are_not_unpickled() -> None:
    file = io.BytesIO()
    np.savez(file, a=np.array([{}, None], dtype=object))
    with pytest.raises(ValueError, match="is not an array of object"):
        read_npz(file, 10**6)


def test_two_arrays_of_one_name_are_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.npy", claim((10,)))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.npy", claim((10,)))
    with pytest.raises(ValueError, match="two arrays have the same name"):
        read_npz(file, 10**6)


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_npz(tmp_path / "none.npz", 10**6)

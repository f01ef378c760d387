"""Opening HDF5 files: whole or one sentence."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from spice_groups import make_group, write_spice

from mepflow.archives.hdf5 import SafeGroup, open_file, read_rows, root_links
from mepflow.errors import InputError


@pytest.fixture
def archive(tmp_path):
    return write_spice(tmp_path / "archive é.hdf5", {"a": make_group(), "b": make_group()})


def names(path):
    with open_file(path) as file:
        return list(root_links(file))


def test_names_are_sorted(archive):
    assert names(archive) == [b"a", b"b"]
    with h5py.File(archive, "w"):
        pass
    assert names(archive) == []


def test_the_cache_does_not_grow_with_the_groups(tmp_path):
    archive = write_spice(tmp_path / "many.hdf5", {"0": {"smiles": ["O"]}})
    with h5py.File(archive, "a") as file:
        for number in range(1, 3_000):
            file.copy("0", str(number))
    with open_file(archive) as file:
        before = file.id.get_mdc_size()[0]
        for link in root_links(file):
            assert SafeGroup(file, link).text("smiles") == "O"
        assert file.id.get_mdc_size()[0] < 1.1 * before


def test_the_list_of_names_stays_in_the_cache(tmp_path):
    path = tmp_path / "names.hdf5"
    with h5py.File(path, "w") as file:
        for number in range(1_500):
            file.create_group(f"{number:01500d}")
    with open_file(path) as file:
        links = list(root_links(file))
        before = bytes_read()
        for link in links[:100]:
            SafeGroup(file, link)
        assert bytes_read() - before < 100 * 30_000  # and not 2 MB for each


def bytes_read():
    """Return what this process has read so far, from the disk or not."""
    return int(Path("/proc/self/io").read_text().split()[1])


def test_a_file_that_may_not_be_written_is_read(archive):
    archive.chmod(0o400)
    before = archive.read_bytes()
    assert names(archive) == [b"a", b"b"]
    assert archive.read_bytes() == before


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.hdf5 does not exist: correct"):
        names(tmp_path / "none.hdf5")


def test_no_cut_is_silent(archive):
    content = archive.read_bytes()
    for size in [0, 7, 100, *range(1000, len(content), 3001), len(content) - 1]:
        archive.write_bytes(content[:size])
        with pytest.raises(
            InputError, match=r"damaged or cut short \(.*\): fetch it again"
        ) as error:
            names(archive)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"\x89HDF\r\n\x1a\n", b"x" * 4096])
def test_what_is_no_hdf5_file_is_refused(archive, content):
    archive.write_bytes(content)
    with pytest.raises(InputError, match=r"archive é\.hdf5 is no HDF5 file"):
        names(archive)


@pytest.mark.parametrize("block", [b"SNOD", b"HEAP", b"TREE"])
def test_a_damaged_list_of_names_is_one_sentence(archive, block):
    archive.write_bytes(archive.read_bytes().replace(block, b"XXXX"))
    with pytest.raises(InputError, match=r"archive é\.hdf5 is damaged \(.*\): fetch it again"):
        names(archive)


@pytest.mark.parametrize("rows", [[0], [7], [0, 1, 2], [1, 3, 4, 7], list(range(8))])
@pytest.mark.parametrize("chunks", [None, (3, 2)])
def test_rows(tmp_path, rows, chunks):
    values = np.arange(16, dtype=np.int32).reshape(8, 2)
    with h5py.File(tmp_path / "rows.hdf5", "w") as file:
        dataset = file.create_dataset("x", data=values, chunks=chunks)
        found = read_rows(dataset, np.array(rows), "x")
    np.testing.assert_array_equal(found, values[rows])
    assert found.dtype == np.float64

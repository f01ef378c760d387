"""Records that wait on disk come back as they were, and leave nothing behind."""

import errno
import random
from dataclasses import astuple

import numpy as np
import pytest
from qm9_records import name, record

from mepflow.archives.qm9 import parse_record
from mepflow.archives.record_file import open_record_file

ACETYLENE = ("C 0. 0. 0. .1", "C 0. 0. 1.2 .2", "H 0. 0. -1.1 -.1", "H 0. 0. 2.3 -.2")
WAVES = [f"{number}.5" for number in range(7)]


def some_records():
    """Return records of different lengths, with different numbers in every column."""
    contents = [
        (7, record(7)),
        (999_999, record(999_999, atoms=ACETYLENE, wavenumbers=WAVES, smiles="C#C\tC#[CH]")),
        (8, record(8, atoms=ACETYLENE[1:3], wavenumbers=WAVES[:1])),
        (7, record(7, smiles="N\tN")),
    ]
    return [parse_record(content, name(number)) for number, content in contents]


def assert_same(one, other):
    for mine, its in zip(astuple(one), astuple(other), strict=True):
        assert type(mine) is type(its)
        if isinstance(mine, np.ndarray):
            assert mine.dtype == its.dtype
            assert mine.shape == its.shape
        assert np.array_equal(mine, its)


def test_records_come_back_in_any_order(tmp_path):
    written = some_records()
    with open_record_file(tmp_path / "new") as records:
        for count, item in enumerate(written, start=1):
            records.append(item)
            for row in random.Random(count).sample(range(count), count):
                assert_same(records.read(row), written[row])
        assert len(records) == 4
        np.testing.assert_array_equal(records.numbers, [7, 999_999, 8, 7])


def test_a_row_that_is_not_there_is_an_error(tmp_path):
    with open_record_file(tmp_path) as records:
        records.append(some_records()[0])
        with pytest.raises(ValueError, match="unpack"):
            records.read(1)


def test_the_file_is_not_to_be_seen(tmp_path):
    with open_record_file(tmp_path) as records:
        records.append(some_records()[0])
        records.read(0)
        assert list(tmp_path.iterdir()) == []
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_named(tmp_path):
    with pytest.raises(OSError, match=str(tmp_path)) as caught, open_record_file(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path))

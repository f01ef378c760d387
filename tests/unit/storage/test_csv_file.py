"""CSV files are written whole, and one sentence says what is wrong with one that is read."""

import numpy as np
import pandas as pd
import pytest

from mepflow.errors import InputError, MissingFileError
from mepflow.storage.csv_file import read_csv, read_rows, write_csv


def test_what_is_written_is_read(tmp_path) -> None:
    frame = pd.DataFrame({"id": ["007", "NA", "null", ""], "error": [1 / 3, 2.0, np.nan, 1e-300]})
    write_csv(frame, tmp_path / "folder" / "a.csv")
    found = read_rows(tmp_path / "folder" / "a.csv")
    assert list(found["id"]) == list(frame["id"])
    np.testing.assert_array_equal(found["error"], frame["error"])
    write_csv(frame, tmp_path / "b.csv", "%.2f")
    assert (tmp_path / "b.csv").read_text() == "id,error\n007,0.33\nNA,2.00\nnull,\n,0.00\n"


def test_a_failed_writing_leaves_the_file_as_it_was(tmp_path, monkeypatch) -> None:
    path = tmp_path / "a.csv"
    path.write_text("before\n")

    def cut_short(_, target, **options) -> None:
        target.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", cut_short)
    with pytest.raises(OSError, match=r"a\.csv"):
        write_csv(pd.DataFrame(), path)
    assert [one.read_text() for one in tmp_path.iterdir()] == ["before\n"]


@pytest.mark.parametrize("content", [b"", b"a,b\n1\n2,3,4\n", b"\xff\xfe\x00", b'a\n"'])
def test_a_damaged_file_is_one_sentence(tmp_path, content) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.csv is damaged \(.*\): delete it and run again\."):
        read_csv(path)


def test_a_missing_file_names_the_remedy(tmp_path) -> None:
    with pytest.raises(MissingFileError, match=r"a\.csv does not exist: run the rule that makes"):
        read_csv(tmp_path / "a.csv")

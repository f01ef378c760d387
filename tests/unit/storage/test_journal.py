"""The journal loses nothing but what a kill cut short."""

import hashlib
import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mepflow.errors import StateError
from mepflow.storage.journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    journal = Journal(tmp_path / "folder" / "a.journal")
    for k in range(3):
        journal.append({"id": np.array(f"m{k}"), "values": np.arange(k + 1.0)})
    return journal


def test_round_trip(journal: Journal) -> None:
    records = journal.read()
    assert [str(r["id"]) for r in records] == ["m0", "m1", "m2"]
    np.testing.assert_array_equal(records[2]["values"], [0, 1, 2])


def test_missing_file_is_empty(tmp_path: Path) -> None:
    assert Journal(tmp_path / "none").read() == []


def test_every_cut_keeps_the_whole_records(journal: Journal) -> None:
    content = journal.path.read_bytes()
    sizes = []
    for length in range(len(content)):
        journal.path.write_bytes(content[:length])
        sizes.append(len(journal.read()))
        if length % 13 == 0:
            journal.append({"id": np.array("after")})
            assert str(journal.read()[-1]["id"]) == "after"
    assert sizes == sorted(sizes)
    assert set(sizes) == {0, 1, 2}


def test_a_changed_byte_drops_the_record_and_what_follows(journal: Journal) -> None:
    content = bytearray(journal.path.read_bytes())
    content[len(content) // 2] ^= 1
    journal.path.write_bytes(content)
    assert [str(r["id"]) for r in journal.read()] == ["m0"]


def test_a_record_that_asks_for_memory_is_refused(tmp_path: Path) -> None:
    """Its length and checksum are right, what it holds would take terabytes."""
    header = io.BytesIO()
    claim = {"shape": (10**12,), "fortran_order": False, "descr": "<f8"}
    np.lib.format.write_array_header_1_0(header, claim)
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("values.npy", header.getvalue())
    content = body.getvalue()
    path = tmp_path / "a.journal"
    digest = hashlib.sha256(content).digest()
    path.write_bytes(struct.pack("<8sQ32s", b"mepflow1", len(content), digest) + content)
    before = path.read_bytes()
    with pytest.raises(StateError, match=r"a\.journal was not written by this program .*delete it"):
        Journal(path).read()
    assert path.read_bytes() == before


def test_an_absurd_length_is_a_cut_record(journal: Journal) -> None:
    content = journal.path.read_bytes()
    journal.path.write_bytes(content + struct.pack("<8sQ32s", b"mepflow1", 1 << 62, bytes(32)))
    assert len(journal.read()) == 3
    assert journal.path.read_bytes() == content

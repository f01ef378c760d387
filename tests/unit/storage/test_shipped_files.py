"""Files that come with mepflow are those that were shipped."""

import hashlib
import shutil
from pathlib import Path

import pytest

from mepflow.errors import InputError
from mepflow.evaluation.calibration import CALIBRATION_FILE
from mepflow.prediction.model_folder import Ensemble
from mepflow.storage.shipped_files import (
    CHECKSUMS,
    DEFAULT_MODELS,
    DEFINITIONS,
    SHIPPED_MODELS,
    checked_files,
    write_checksums,
)


def test_every_shipped_model_has_its_checksum() -> None:
    assert DEFINITIONS.exists()
    read = {*DEFAULT_MODELS.glob("*.pt"), DEFAULT_MODELS / CALIBRATION_FILE}
    assert set(checked_files(DEFAULT_MODELS)) == read


def test_checksums_are_those_of_sha256sum(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"2")
    (tmp_path / "a").write_bytes(b"")
    write_checksums(tmp_path, ["b", "a"])
    lines = (tmp_path / CHECKSUMS).read_text().splitlines()
    assert lines == [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a",
        f"{hashlib.sha256(b'2').hexdigest()}  b",
    ]
    assert checked_files(tmp_path) == [tmp_path / "a", tmp_path / "b"]


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the default models that stands for them."""
    folder = tmp_path / "default"
    shutil.copytree(DEFAULT_MODELS, folder)
    monkeypatch.setitem(SHIPPED_MODELS, "default", folder)
    return folder


def test_a_changed_model_is_refused_but_not_a_users(shipped: Path) -> None:
    other = (shipped / "seed-1.pt").read_bytes()
    (shipped / "seed-2.pt").write_bytes(other)
    with pytest.raises(InputError, match=r"seed-2\.pt is not the file that came with mepflow"):
        Ensemble.load()
    assert len(Ensemble.load(shipped).models) == 5


@pytest.mark.parametrize("text", ["", "seed-1.pt\n", "abc seed-1.pt more\n", "é"])
def test_a_damaged_list_is_refused(shipped: Path, text: str) -> None:
    (shipped / CHECKSUMS).write_text(text)
    with pytest.raises(InputError, match="install mepflow again"):
        Ensemble.load()


@pytest.mark.parametrize("name", ["seed-3.pt", CHECKSUMS])
def test_a_missing_file_is_refused(shipped: Path, name: str) -> None:
    (shipped / name).unlink()
    with pytest.raises(InputError, match="is not complete"):
        Ensemble.load()

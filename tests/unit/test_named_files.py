"""Every file that a user names: where it is not what it should be, one sentence says so.

The places are the rows of :data:`PLACES`; each is tried with every kind of file of :data:`KINDS`.
"""

import gzip
import io
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from mepflow.__main__ import main
from mepflow.archives import extxyz_table, labelled_table, qm9, qm9_table, spice_table
from mepflow.errors import MepflowError
from mepflow.runs import config_files

ROOT = Path(__file__).resolve().parents[2]
EMBEDDED = ROOT / "resources" / "embedded"
SAMPLES = ROOT / "tests" / "stored_formats" / "0.1.0" / "results"
XYZ = b"3\nwater\nO 0 0 0\nH 0 0 0.96\nH 0.93 0 -0.24\n"
FRAME = (
    b'3\nProperties=species:S:1:pos:R:3 REF_dipole="0 0 1"\nO 0 0 0\nH 0 0 0.96\nH 0.93 0 -0.24\n'
)
SDF = (  # a drawing program's, with positions
    b"water\n\n\n  3  2  0  0  0  0            999 V2000\n"
    b"    0.0000    0.0000    0.0000 O   0  0\n    0.0000    0.0000    0.9600 H   0  0\n"
    b"    0.9300    0.0000   -0.2400 H   0  0\n  1  2  1  0\n  1  3  1  0\nM  END\n$$$$\n"
)


@dataclass(frozen=True)
class Place:
    """A place where a file is named: how it is read, and a file that is right there.

    ``read`` raises one of our errors, or returns the exit status of a command. A text that is
    ``cut`` may be another whole one; where a ``folder`` may be named, it is read.
    """

    read: Callable[[Path], object]
    right: Callable[[], bytes]
    name: str = "file"
    cut: bool = True
    folder: bool = False
    other: bytes = b"a line of text\n"


def command(*words: str) -> Callable[[Path], int]:
    return lambda path: main([str(path) if word == "FILE" else word for word in words])


def reader(read: Callable[..., None], **options: object) -> Callable[[Path], None]:
    def call(path: Path) -> None:
        folder = path.parent.parent / "table"
        folder.mkdir()
        read(path, folder / "archive.h5", folder / "rejected.csv", None, **options)

    return call


def content(*names: str) -> Callable[[], bytes]:
    return Path(*names).read_bytes


def arrays() -> bytes:
    file = io.BytesIO()
    np.savez(file, a=np.zeros(100))
    return file.getvalue()


def extxyz(path: Path) -> None:
    reader(extxyz_table.read_archive, labels=["dipole"])(path)


def run_file(path: Path) -> None:
    config_files.read_config(ROOT, [path], config_files.GivenSettings("--config", {}))


CONFIG = ROOT / "config"
ONE_MODEL = min(SAMPLES.rglob("model.pt"))
PREDICT = ("predict", "FILE", "--output", "predicted", "--model", str(ONE_MODEL))
PLACES = {
    "predict .xyz": Place(command(*PREDICT), lambda: XYZ, "a.xyz"),
    "predict .sdf": Place(command(*PREDICT), lambda: SDF, "a.sdf"),
    "predict .smi": Place(command(*PREDICT), lambda: b"CCO\n", "a.smi", cut=False, other=b"??\n"),
    "predict .xyz.gz": Place(command(*PREDICT), lambda: gzip.compress(XYZ), "a.xyz.gz"),
    "predict --model": Place(
        command("predict", "--smiles", "C", "--model", "FILE"),
        content(ONE_MODEL),
        "model.pt",
    ),
    "predict --definitions": Place(
        command(*("predict", "--smiles", "C", "--model", str(ONE_MODEL), "--definitions", "FILE")),
        content(CONFIG, "definitions.yaml"),
        "definitions.yaml",
        cut=False,
    ),
    "check-pinn": Place(command("check-pinn", "FILE"), arrays, "a.npz"),
    "check-level .tar.bz2": Place(
        command("check-level", "FILE", "--level", "hf-6-31g-d"),
        content(EMBEDDED, "dsgdb9nsd.xyz.tar.bz2"),
        "a.tar.bz2",
    ),
    "check-level .hdf5": Place(
        command("check-level", "FILE", "--level", "hf-6-31g-d"),
        content(EMBEDDED, "SPICE-embedded.hdf5"),
        "a.hdf5",
    ),
    "check-level --definitions": Place(
        command("check-level", "a.hdf5", "--level", "hf-6-31g-d", "--definitions", "FILE"),
        content(CONFIG, "definitions.yaml"),
        "definitions.yaml",
        cut=False,
    ),
    "status": Place(
        lambda path: main(["status", str(path.parent.parent)]),
        lambda: b"[]",
        "results/logs/plan.json",
    ),
    "run --configfile": Place(
        command("run", "--configfile", "FILE"), content(CONFIG, "config.yaml"), cut=False
    ),
    "configuration of a run": Place(run_file, content(CONFIG, "config.yaml"), cut=False),
    "archive qm9": Place(
        reader(qm9_table.read_archive), content(EMBEDDED, "dsgdb9nsd.xyz.tar.bz2")
    ),
    "archive spice": Place(
        reader(spice_table.read_archive), content(EMBEDDED, "SPICE-embedded.hdf5")
    ),
    "archive labelled": Place(
        reader(labelled_table.read_archive, labels=["dipole"]),
        content(SAMPLES, "qm9", "reference", "reference.h5"),
    ),
    "archive extxyz": Place(extxyz, lambda: FRAME, "a.extxyz"),
    "list of uncharacterized": Place(
        qm9.read_uncharacterized, content(EMBEDDED, "uncharacterized.txt"), cut=False
    ),
}


def damaged(kind: str, place: Place, path: Path) -> None:
    """Put a file of a kind where the user names one."""
    right = place.right()
    match kind:
        case "folder":
            path.mkdir()
        case "in a file":
            path.parent.rmdir()
            path.parent.write_text("")
        case "unreadable":  # by anybody, root too: the memory of this process at address 0
            path.symlink_to("/proc/self/mem")
        case "loop":
            path.symlink_to(path)
        case "empty":
            path.write_bytes(b"")
        case "cut":
            path.write_bytes(right[: len(right) // 2])
        case "other":
            path.write_bytes(place.other)
        case "binary":
            path.write_bytes(random.Random(1).randbytes(3000))
        case "HDF5":
            path.write_bytes(content(SAMPLES, "qm9", "molecules", "candidates.h5")())
        case "missing":
            pass


KINDS = ("missing", "folder", "in a file", "unreadable", "loop", "empty", "cut", "other", "binary")
KINDS += ("HDF5",)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", PLACES)
def test_one_sentence(
    name: str,
    kind: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = PLACES[name]
    if kind == "cut" and not place.cut:
        pytest.skip("half of it is whole")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delattr(os, "execve")  # a run would take the place of the tests
    path = tmp_path / "given" / place.name
    path.parent.mkdir(parents=True)
    damaged(kind, place, path)
    try:
        status = place.read(path)
    except MepflowError as error:
        status, message = 2, f"{error}\n"
    else:
        message = capsys.readouterr().err.removeprefix("mepflow: ")
    assert status == 2, message
    assert message.count("\n") == 1, message
    assert str(path) in message
    assert message.rstrip().endswith((".", "?"))
    assert "written" not in message

"""Labels computed by several processes, killed ones among them."""

import json
import os
import signal
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mepflow.archives.label_geometries import LabelGeometry, geometry_of_row
from mepflow.molecules import Molecule
from mepflow.multipoles import centre_of_nuclear_charge, dipole_terms
from mepflow.qm import label_run
from mepflow.qm.label_calculation import LabelSettings, label_record
from mepflow.qm.label_run import claim, compute_labels, read_journals
from mepflow.qm.levels import LevelOfTheory

LEVEL = LevelOfTheory(
    "tiny", "wb97m-d3bj", "def2-svp", None, "def2-universal-jkfit", None, 1, 1e-8, 50
)
GRIDS = {"mk": {"kind": "shells", "scales": [1.4], "points_per_angstrom2": 0.3}}
SETTINGS = LabelSettings(LEVEL, GRIDS)


def geometry(identifier: str, numbers: list[int], positions: list[list[float]]) -> LabelGeometry:
    texts = dict.fromkeys(("name", "smiles", "kind", "split", "geometry", "environment"), "-")
    return geometry_of_row(
        {
            **texts,
            "id": identifier,
            "charge": 0,
            "groups": [],
            "atomic_numbers": numbers,
            "positions_angstrom": positions,
        }
    )


HYDROGEN_FLUORIDE = geometry("a-1", [9, 1], [[0.0, 0.0, 0.0], [0.0, 0.0, 0.92]])
FLUORINE_ATOM = geometry("a-2", [9], [[0.0, 0.0, 0.0]])


def fake_record(molecule: Molecule, settings: Any, memory: int) -> dict[str, Any]:
    if molecule.id == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    return {
        "energy": np.array(-1.0),
        "functions": np.array(5),
        "cpu_seconds": np.array(0.1),
    }


def ids(work: Path) -> list[str]:
    return [json.loads(str(record["geometry"]))["id"] for record in read_journals(work)]


def test_labels_of_one_molecule_belong_together() -> None:
    molecule = HYDROGEN_FLUORIDE.molecule()
    record = label_record(molecule, SETTINGS)
    centred = molecule.positions - centre_of_nuclear_charge([9, 1], molecule.positions)
    terms = dipole_terms(record["mbis_charges"], centred, record["mbis_dipoles"])
    np.testing.assert_allclose(terms.sum(axis=0), record["dipole"], atol=1e-3)
    assert record["dipole"][2] == pytest.approx(0.75, abs=0.05)
    for name in ("mbis", "mulliken", "lowdin", "hirshfeld"):
        charges = record[f"{name}_charges"]
        assert charges.sum() == pytest.approx(0.0, abs=1e-3)
        assert 0.05 < charges[1] < 0.6
    assert record["gradient"].shape == (2, 3)
    np.testing.assert_allclose(record["gradient"].sum(axis=0), 0.0, atol=1e-3)
    assert len(record["mep/mk"]) > 10


def test_a_failure_is_recorded_with_its_reason(tmp_path: Path) -> None:
    assert compute_labels([FLUORINE_ATOM], SETTINGS, tmp_path, set(), 1000) == 1
    (record,) = read_journals(tmp_path)
    assert "9 electrons" in str(record["failure"])
    assert compute_labels([FLUORINE_ATOM], SETTINGS, tmp_path, set(), 1000) == 0


def test_finished_and_claimed_molecules_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_run, "label_record", fake_record)
    molecules = [geometry(name, [1, 1], [[0, 0, 0], [0, 0, 0.7]]) for name in "abcd"]
    with claim(tmp_path, "b") as other:
        assert other is not None
        assert compute_labels(molecules, SETTINGS, tmp_path, {"c"}, 1000) == 2
    assert ids(tmp_path) == ["a", "d"]
    assert compute_labels(molecules, SETTINGS, tmp_path, {"c"}, 1000) == 1
    assert ids(tmp_path) == ["a", "d", "b"]


def test_a_killed_process_leaves_its_molecule_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_run, "label_record", fake_record)
    molecules = [geometry(name, [1, 1], [[0, 0, 0], [0, 0, 0.7]]) for name in ("a", "kill", "b")]
    arguments = (molecules, SETTINGS, tmp_path, set(), 1000)
    process = get_context("fork").Process(target=compute_labels, args=arguments)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert ids(tmp_path) == ["a"]
    with (tmp_path / "0.journal").open("ab") as file:
        file.write(b"mepflow1 half a record")
    renamed = [geometry(name, [1, 1], [[0, 0, 0], [0, 0, 0.7]]) for name in ("a", "kil", "b")]
    assert compute_labels(renamed, SETTINGS, tmp_path, set(), 1000) == 2
    assert ids(tmp_path) == ["a", "kil", "b"]
    with claim(tmp_path, "kill") as free:
        assert free is not None


def test_processes_at_a_time_have_journals_of_their_own(tmp_path: Path) -> None:
    with label_run.own_journal(tmp_path) as first, label_run.own_journal(tmp_path) as second:
        assert first.path != second.path
    with label_run.own_journal(tmp_path) as again:
        assert again.path == first.path

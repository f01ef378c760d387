"""What is compared with an archive, and when it counts as equal."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mepflow.__main__ import main
from mepflow.errors import InputError
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.qm import level_check
from mepflow.qm.levels import LevelOfTheory
from mepflow.qm.reference_record import reference_record

LEVEL = LevelOfTheory("tiny", "lda,vwn", "sto-3g", None, None, None, 0, 1e-8, 50)
WATER = Molecule(
    "w:3", np.array([8, 1, 1], np.uint8), np.array([[0, 0, 0.2], [1.4, 0, -0.9], [-1.4, 0, -0.9]])
)
FLUORIDE = Molecule("hf:0", np.array([9, 1], np.uint8), np.array([[0, 0, 0], [0, 0, 1.75]]))


def shifted_table() -> MoleculeTable:
    """Return an archive in SPICE's terms that differs from our own values by known amounts."""
    records = [reference_record(molecule, LEVEL, {}) for molecule in (WATER, FLUORIDE)]
    off = np.array([1e-3, -2e-3, 0.0])
    properties: dict[str, Any] = {
        "archive_energy": [record["energy"] - 3e-5 for record in records],
        "archive_dipole": [record["dipole"] + off for record in records],
        "archive_quadrupole": [record["quadrupole"] + np.diag(5 * off) for record in records],
    }
    table = MoleculeTable.from_molecules([WATER, FLUORIDE], properties)
    return table.with_texts(archive_group=["w", "hf"])


def test_differences_of_vectors_and_tensors() -> None:
    found = level_check.compare_with_archive(shifted_table(), LEVEL)
    assert list(found.columns) == [
        "id",
        "atoms",
        "energy_hartree",
        "dipole_e_bohr",
        "quadrupole_e_bohr2",
        "energy_hartree_per_atom",
        "failure",
    ]
    np.testing.assert_allclose(found["energy_hartree"], 3e-5, rtol=1e-5)
    np.testing.assert_allclose(found["energy_hartree_per_atom"], [1e-5, 1.5e-5], rtol=1e-5)
    np.testing.assert_allclose(found["dipole_e_bohr"], 2e-3, rtol=1e-6)
    np.testing.assert_allclose(found["quadrupole_e_bohr2"], 1e-2, rtol=1e-6)
    assert level_check.tolerance_of(LEVEL, shifted_table()) == level_check.SPICE


def test_every_quantity_must_agree_and_every_molecule_be_computed() -> None:
    tolerance = {"energy_hartree": 1e-5, "dipole_e_bohr": 1e-3}
    good = pd.DataFrame({"energy_hartree": [9e-6, -9e-6], "dipole_e_bohr": [0.0, 9e-4]})
    assert level_check.agrees(good, tolerance)
    for column, value in (
        ("energy_hartree", -2e-5),
        ("dipole_e_bohr", 2e-3),
        ("dipole_e_bohr", np.nan),
    ):
        bad = good.copy()
        bad.loc[1, column] = value
        assert not level_check.agrees(bad, tolerance)


def test_molecules_are_chosen_by_group_or_id(monkeypatch: pytest.MonkeyPatch) -> None:
    table = shifted_table()
    monkeypatch.setattr(level_check, "_read", lambda *_: table)
    archive = Path("archive.hdf5")
    for name in ("hf", "hf:0"):
        found, agrees = level_check.check_level(archive, LEVEL, molecules=[name])
        assert list(found["id"]) == ["hf:0"]
        assert not agrees
    assert len(level_check.check_level(archive, LEVEL)[0]) == 2
    with pytest.raises(InputError, match=r"holds no molecule xenon"):
        level_check.check_level(archive, LEVEL, molecules=["hf", "xenon"])


@pytest.mark.parametrize("conformers", ["0", "-1", "some"])
def test_command_refuses_odd_numbers_of_conformers(conformers: str) -> None:
    with pytest.raises(SystemExit):
        main(["check-level", "a.hdf5", "--level", "x", f"--conformers={conformers}"])

"""From records to named molecules with a total charge."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

from mepflow.errors import InputError
from mepflow.prediction import input_batch
from mepflow.prediction.input_batch import read_structures
from mepflow.prediction.structures import formula, from_atoms
from mepflow.units import ANGSTROM_IN_BOHR


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_file_gives_its_name_and_bohr(water: Path) -> None:
    (structure,) = read_structures([water])
    assert structure.molecule.id == "water"
    assert structure.place == f"{water}, frame 1"
    assert structure.charge_source == "assumed"
    np.testing.assert_allclose(
        structure.molecule.positions[1], np.array([0, 0.7572, -0.4692]) * ANGSTROM_IN_BOHR
    )
    assert formula(structure.molecule) == "H2O"


def test_frames_are_numbered_and_names_are_unique(water: Path, tmp_path: Path) -> None:
    frames = written(tmp_path / "two frames.xyz", water.read_text() * 2)
    names = written(tmp_path / "names.smi", "C Water\nO ../../etc\nN ä#b\nF CON.\nS two_frames-1\n")
    found = read_structures([water, frames, names], ["CO", "C#N hydrogen cyanide"])
    assert [structure.molecule.id for structure in found] == [
        "water", "two_frames-1", "two_frames-2", "Water_2", "etc", "ä_b", "CON", "two_frames-1_2",
        "CO", "hydrogen_cyanide",
    ]  # fmt: skip


def test_where_the_charge_is_from(tmp_path: Path) -> None:
    text = "1\n{}\nH 0 0 0\n"
    says = written(tmp_path / "says.xyz", text.format("charge=1"))
    silent = written(tmp_path / "silent.xyz", text.format(""))
    found = read_structures([says, silent])
    assert [(s.molecule.total_charge, s.charge_source) for s in found] == [
        (1, "read"),
        (0, "assumed"),
    ]
    found = read_structures([says, silent], total_charge=1)
    assert [(s.molecule.total_charge, s.charge_source) for s in found] == [(1, "given")] * 2
    with pytest.raises(InputError, match="says a total charge of 1 e, but -1 was given"):
        read_structures([silent, says], total_charge=-1)
    with pytest.raises(InputError, match="A total charge of 200 e is none"):
        read_structures([silent], total_charge=200)


def test_formula_of_an_ion() -> None:
    assert formula(from_atoms(Atoms("OCOH", np.eye(4)[:, :3] * 3), -1).molecule) == "CHO2 (-1)"


def test_atoms_of_ase() -> None:
    atoms = Atoms("OH", [[0, 0, 0], [0, 0, 1]], info={"charge": -1}, cell=[5, 5, 5], pbc=True)
    structure = from_atoms(atoms)
    assert structure.molecule.total_charge == -1
    assert structure.molecule.id == structure.place == "OH"
    assert from_atoms(Atoms("OH", atoms.positions), -1).charge_source == "given"


@pytest.mark.parametrize(
    ("atoms", "message"),
    [
        (Atoms(), "has no atoms"),
        (Atoms("X"), "an atom that is no element"),
        (Atoms("HH", [[0, 0, 0], [0, 0, 0.3]]), "atoms 1 and 2 are 0.3 Å apart"),
        (Atoms("CHHH", [[0] * 3, [0, 0, 1], [0, 1, 0], [0, 1, 0]]), "atoms 3 and 4 are 0 Å"),
        (Atoms("H", [[np.nan, 0, 0]]), "positions that are no numbers"),
        (Atoms("H", [[1e5, 0, 0]]), "has atoms beyond 10000 Å"),
        (Atoms("H", info={"charge": 0.3}), "not a whole total charge"),
    ],
)
def test_what_is_no_molecule(atoms: Atoms, message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_atoms(atoms)


def test_files_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = {
        "absent.xyz": "absent.xyz cannot be read .No such file",
        "a.cif": "a.cif is not a structure file by its name: use .xyz",
        "empty.xyz": "empty.xyz holds no structure",
        "empty.sdf": "empty.sdf holds no structure",
    }
    for name in ("a.cif", "empty.xyz", "empty.sdf"):
        written(tmp_path / name, "")
    for name, message in cases.items():
        with pytest.raises(InputError, match=message):
            read_structures([tmp_path / name])
    monkeypatch.setattr("mepflow.prediction.text_files.MOST_BYTES", 2**20)
    large = written(tmp_path / "large.xyz", " " * (2**20 + 1))
    with pytest.raises(InputError, match="is larger than 1 MiB"):
        read_structures([large])
    monkeypatch.setattr(input_batch, "_MOST_MOLECULES", 1)
    both = written(tmp_path / "both.smi", "C\nO\n")
    with pytest.raises(InputError, match="more than 1 molecules"):
        read_structures([both])


def test_lines_of_windows_are_read(water: Path) -> None:
    water.write_bytes(water.read_bytes().replace(b"\n", b"\r\n"))
    assert len(read_structures([water])[0].molecule) == 3

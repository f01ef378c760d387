"""Which test molecules the models of another data set have learned from."""

from pathlib import Path

import numpy as np
import pandas as pd

from mepflow.evaluation.seen_molecules import find_known
from mepflow.molecules import Molecule, MoleculeTable


def write(folder: Path, name: str, molecules: dict[str, tuple[str, str]]) -> tuple[Path, Path]:
    """Write a table of atoms that are called molecules, with their SMILES, and its splits."""
    atom = np.array([1], np.uint8), np.zeros((1, 3))
    rows = [Molecule(key, *atom, 0, smiles) for key, (smiles, _) in molecules.items()]
    reference, splits = folder / f"{name}.h5", folder / f"{name}.csv"
    MoleculeTable.from_molecules(rows).save(reference)
    lines = [f"{key},{split},0" for key, (_, split) in molecules.items()]
    splits.write_text("\n".join(["id,split,showcase", *lines, ""]))
    return reference, splits


def test_the_same_molecule_is_found_however_its_smiles_is_written(tmp_path):
    target = {
        "NA": ("OCC", "test"),
        "cis": ("F/C=C\\F", "test"),
        "ammonium": ("[NH4+]", "test"),
        "unknown": ("", "test"),
        "water": ("O", "test"),
        "methane": ("C", "train"),
        "neon": ("[Ne]", "validation"),
    }
    other = {
        "gdb_1": ("[CH3:1]C[OH:2]", "train"),
        "gdb_2": ("F/C=C/F", "validation"),
        "gdb_3": ("N", "train"),
        "gdb_4": ("", "train"),
        "gdb_5": ("O", "test"),
        "gdb_6": ("C", "train"),
    }
    files = (*write(tmp_path, "b", target), *write(tmp_path, "a", other))
    find_known(*files, tmp_path / "known.csv")
    frame = pd.read_csv(tmp_path / "known.csv", keep_default_na=False)
    assert frame["id"].tolist() == ["NA", "cis"]


def test_none_known_is_an_empty_list(tmp_path):
    splits = {"x": ("C", "train"), "y": ("CC", "validation"), "z": ("CCC", "test")}
    files = write(tmp_path, "b", splits)
    find_known(*files, *files, tmp_path / "known.csv")
    assert (tmp_path / "known.csv").read_text() == "id\n"

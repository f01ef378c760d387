"""SPICE's MBIS multipoles add up to its molecular ones, and geometries give its bonds."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from rdkit import Chem

from mepflow.archives.spice_table import read_archive
from mepflow.evaluation.archive_consistency import LABEL_QUANTITIES, check_labels
from mepflow.evaluation.differences import difference_table
from mepflow.geometry.bonds import bonds
from mepflow.molecules import MoleculeTable

SPICE = Path(__file__).parents[3] / "shared" / "data" / "spice"
ARCHIVE = SPICE / "SPICE-1.1.4_n2.hdf5"
GEOMETRIES = SPICE / "des-monomers.hdf5"

without_data = pytest.mark.skipif(not SPICE.exists(), reason="needs SPICE's data")


@without_data
def test_labels_of_fifty_conformers_of_a_cation_are_consistent(tmp_path):
    read_archive(ARCHIVE, tmp_path / "archive.h5", tmp_path / "rejected.csv", None, "all")
    frame = check_labels(tmp_path / "archive.h5", tmp_path / "labels.csv")
    table = difference_table(frame, LABEL_QUANTITIES)
    assert table["n_structures"].tolist() == [50, 50, 50]
    assert table["n_not_compared"].tolist() == [5, 5, 5]  # the ion pair has no MBIS multipoles
    assert table["n_above_tolerance"].tolist() == [0, 0, 0]
    # The check has teeth: the quadrupoles are a thousand times larger than the differences.
    quadrupoles = MoleculeTable.load(tmp_path / "archive.h5").properties["archive_quadrupole"]
    assert np.abs(quadrupoles).max() > 1000 * table["largest"].iloc[2]


@without_data
def test_bonds_from_distances_are_those_of_the_smiles():
    """Hot conformers of 378 molecules of H, C, N, O, F, P, S, Cl, Br and I, anions among them."""
    with h5py.File(GEOMETRIES) as file:
        for group in file.values():
            molecule = Chem.MolFromSmiles(group["smiles"].asstr()[0], sanitize=False)
            place = [atom.GetAtomMapNum() - 1 for atom in molecule.GetAtoms()]
            numbers = np.zeros(len(place), np.uint8)
            numbers[place] = [atom.GetAtomicNum() for atom in molecule.GetAtoms()]
            expected = {
                tuple(sorted((place[bond.GetBeginAtomIdx()], place[bond.GetEndAtomIdx()])))
                for bond in molecule.GetBonds()
            }
            for conformer in (0, 25, 49):
                angstrom = 10.0 * group["conformations"][conformer].astype(float)
                assert set(bonds(numbers, angstrom)) == expected, group.name

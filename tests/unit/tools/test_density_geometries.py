"""Geometries of density studies: which bonds are turned, and by how much."""

import numpy as np
import pytest
from ethanol_geometries import torsions, turned
from rdkit import Chem
from rdkit.Chem import AllChem, rdMolTransforms


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        # As in the file of the repository, which must come out again.
        ("CCO", [((0, 1, 2, 8), 360.0), ((2, 1, 0, 3), 120.0)]),
        ("CCS", [((3, 0, 1, 2), 120.0), ((0, 1, 2, 8), 360.0)]),
        ("Oc1cccc(O)c1", [((8, 0, 1, 2), 360.0), ((4, 5, 6, 12), 360.0)]),
        ("c1ccsc1", []),
        ("c1ccsc1-c1cccs1", [((3, 4, 5, 6), 360.0)]),
    ],
)
def test_bonds_that_are_turned(smiles: str, expected: list[tuple[tuple[int, ...], float]]) -> None:
    assert torsions(Chem.AddHs(Chem.MolFromSmiles(smiles))) == expected


def test_a_turn_changes_the_torsion_and_no_bond() -> None:
    molecule = Chem.AddHs(Chem.MolFromSmiles("CCS"))
    AllChem.EmbedMolecule(molecule, randomSeed=1)
    before = molecule.GetConformer().GetPositions()
    moved = turned(molecule, before, np.random.default_rng(1))
    placed = Chem.Mol(molecule)
    placed.GetConformer().SetPositions(np.ascontiguousarray(moved))
    for bond in molecule.GetBonds():
        pair = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        lengths = [
            rdMolTransforms.GetBondLength(one.GetConformer(), *pair) for one in (molecule, placed)
        ]
        assert lengths[1] == pytest.approx(lengths[0], abs=1e-5)
    angles = [
        rdMolTransforms.GetDihedralDeg(one.GetConformer(), 0, 1, 2, 8) for one in (molecule, placed)
    ]
    assert abs(angles[0] - angles[1]) > 1.0

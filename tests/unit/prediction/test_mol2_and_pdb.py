"""Structures in mol2 and PDB files of other programs."""

from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import AllChem

from mepflow.errors import InputError
from mepflow.prediction.input_batch import read_structures
from mepflow.units import BOHR_IN_ANGSTROM

SMILES = ("CC(=O)[O-]", "c1ccncc1", "C[NH3+]")


def embedded(smiles: str) -> Chem.Mol:
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(molecule, randomSeed=1)
    return molecule


def of_open_babel(smiles: str, kind: str) -> str:
    openbabel = pytest.importorskip("openbabel").openbabel
    molecule, converter = openbabel.OBMol(), openbabel.OBConversion()
    converter.SetInAndOutFormats("mol", kind)
    assert converter.ReadString(molecule, Chem.MolToMolBlock(embedded(smiles)))
    molecule.SetTitle("mine")
    return str(converter.WriteString(molecule))


@pytest.mark.parametrize("smiles", SMILES)
def test_mol2_of_open_babel(tmp_path: Path, smiles: str) -> None:
    (tmp_path / "a.mol2").write_text(of_open_babel(smiles, "mol2"))
    (found,) = read_structures([tmp_path / "a.mol2"])
    molecule = embedded(smiles)
    assert found.molecule.id == "mine"
    assert found.molecule.total_charge == Chem.GetFormalCharge(molecule)
    positions = found.molecule.positions * BOHR_IN_ANGSTROM
    np.testing.assert_allclose(positions, molecule.GetConformer().GetPositions(), atol=1e-4)
    assert found.bond_orders is not None
    Chem.Kekulize(molecule, clearAromaticFlags=True)
    orders = [bond.GetBondTypeAsDouble() for bond in molecule.GetBonds()]
    assert sum(order for *_, order in found.bond_orders.bonds) == sum(orders)


@pytest.mark.parametrize("smiles", SMILES)
def test_pdb_of_rdkit(tmp_path: Path, smiles: str) -> None:
    molecule = embedded(smiles)
    (tmp_path / "a.pdb").write_text(Chem.MolToPDBBlock(molecule))
    (found,) = read_structures([tmp_path / "a.pdb"])
    assert found.molecule.id == "a"
    numbers = [atom.GetAtomicNum() for atom in molecule.GetAtoms()]
    assert found.molecule.atomic_numbers.tolist() == numbers
    assert found.molecule.total_charge == Chem.GetFormalCharge(molecule)
    positions = found.molecule.positions * BOHR_IN_ANGSTROM
    np.testing.assert_allclose(positions, molecule.GetConformer().GetPositions(), atol=1e-3)


def test_several_molecules_and_models(tmp_path: Path) -> None:
    (tmp_path / "a.mol2").write_text("".join(of_open_babel(one, "mol2") for one in SMILES))
    assert [one.molecule.id for one in read_structures([tmp_path / "a.mol2"])] == [
        "mine", "mine_2", "mine_3",
    ]  # fmt: skip
    block = Chem.MolToPDBBlock(embedded("CO")).replace("END\n", "")
    text = f"HEADER    TEST\nMODEL        1\n{block}ENDMDL\nMODEL        2\n{block}ENDMDL\nEND\n"
    (tmp_path / "b.pdb").write_text(text)
    assert [one.molecule.id for one in read_structures([tmp_path / "b.pdb"])] == ["b-1", "b-2"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.mol2", "", "holds no structure"),
        ("a.mol2", "@<TRIPOS>MOLECULE\nx\n3 2\n", "cannot be read as a structure"),
        ("a.pdb", "HEADER    NOTHING\nEND\n", "a.pdb"),
        ("a.pdb", Chem.MolToPDBBlock(Chem.RemoveHs(embedded("CO"))), "has no hydrogen atoms"),
    ],
)
def test_what_is_no_structure(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=said):
        read_structures([tmp_path / name])

"""What is read from a SMILES: charge, radicals, identity, and whether it is the molecule at all."""

import random
from pathlib import Path

import h5py
import pytest
from rdkit import Chem

from mepflow.archives.rejected_records import RecordError
from mepflow.archives.species import Species, read_species

SPICE = Path(__file__).parents[3] / ".." / "shared" / "data" / "spice"
needs_spice = pytest.mark.skipif(not SPICE.is_dir(), reason="no real SPICE files here")


@pytest.mark.parametrize(
    ("smiles", "atomic_numbers", "expected"),
    [
        ("[O:1]([H:2])[H:3]", [8, 1, 1], ("O", "O", 0, 0)),
        ("[H:1][O:3][H:2]", [1, 1, 8], ("O", "O", 0, 0)),
        ("O", [1, 8, 1], ("O", "O", 0, 0)),
        ("[H:3][C:1]#[C:2][H:4].[Na+:5]", [6, 6, 1, 1, 11], ("C#C.[Na+]", "C#C.[Na+]", 1, 0)),
        ("[NH4+].[Cl-]", [7, 1, 1, 1, 1, 17], ("[Cl-].[NH4+]", "[Cl-].[NH4+]", 0, 0)),
        ("[O-:1][S:2](=[O:3])(=[O:4])[O-:5]", [8, 16, 8, 8, 8],
         ("O=S(=O)([O-])[O-]",) * 2 + (-2, 0)),
        ("C[C@H](N)C(=O)O", [6, 6, 7, 6, 8, 8] + [1] * 7, ("C[C@H](N)C(=O)O", "CC(N)C(=O)O", 0, 0)),
        ("F/C=C/F", [9, 6, 6, 9, 1, 1], ("F/C=C/F", "FC=CF", 0, 0)),
        ("[H:1]/[N:2]=[N:3]/[H:4]", [1, 7, 7, 1], ("[H]/N=N/[H]", "N=N", 0, 0)),
        ("[H][H]", [1, 1], ("[H][H]", "[H][H]", 0, 0)),
        ("[CH3]", [6, 1, 1, 1], ("[CH3]", "[CH3]", 0, 1)),
        ("[O][O]", [8, 8], ("[O][O]", "[O][O]", 0, 2)),
        ("CN(=O)=O", [6, 7, 8, 8, 1, 1, 1], ("C[N+](=O)[O-]",) * 2 + (0, 0)),
        # Valences that RDKit does not know: taken as they are.
        ("F[Cl](F)(F)(F)F", [9, 17, 9, 9, 9, 9], ("FCl(F)(F)(F)F",) * 2 + (0, 0)),
        ("[O:1]=[Br:2]=[O:3]", [8, 35, 8], ("O=Br=O", "O=Br=O", 0, 1)),
    ],
)  # fmt: skip
def test_species(smiles, atomic_numbers, expected):
    assert read_species(smiles, atomic_numbers) == Species(*expected)


@pytest.mark.parametrize(
    ("smiles", "atomic_numbers", "message"),
    [
        ("", [1], "has 0 characters"),
        ("C" * 20_001, [6], "has 20001 characters"),
        ("C" * 20_000, [6], "are not its atomic_numbers"),
        ("C(", [6], r"'C\(' cannot be read"),
        ("C" + "(" * 5000 + "C" + ")" * 5000, [6, 6], "cannot be read"),
        ("[Zz]", [6], "cannot be read"),
        ("C", [6], "are not its atomic_numbers"),
        ("O", [8, 1, 1, 1], "are not its atomic_numbers"),
        ("[H:1][O:2][H:3]", [8, 1, 1], "are not its atomic_numbers"),
        ("[O:1]=[C:2]=[O:3]", [8, 8, 6], "are not its atomic_numbers"),
        ("*", [1], "are not its atomic_numbers"),
    ],
)
def test_a_smiles_of_something_else_is_refused(smiles, atomic_numbers, message, capfd):
    with pytest.raises(RecordError, match=message):
        read_species(smiles, atomic_numbers)
    assert capfd.readouterr() == ("", "")


def test_atom_maps_that_are_not_complete_are_not_trusted():
    """Two atoms with one number, or a number too high: only the elements are counted."""
    for smiles in ("[C:1](=[O:2])=[O:2]", "[C:1](=[O:2])=[O:4]", "[C:1](=O)=[O:2]"):
        assert read_species(smiles, [8, 8, 6]).smiles == "O=C=O"


def rewritten(molecule, rng):
    """Return a SMILES of the same molecule with its atoms in another order, and the elements."""
    order = list(range(molecule.GetNumAtoms()))
    rng.shuffle(order)
    shuffled = Chem.RenumberAtoms(molecule, order)
    for index, atom in enumerate(shuffled.GetAtoms(), start=1):
        atom.SetAtomMapNum(index)
    numbers = [atom.GetAtomicNum() for atom in shuffled.GetAtoms()]
    return Chem.MolToSmiles(shuffled, canonical=False, doRandom=True), numbers


@needs_spice
def test_the_order_of_the_atoms_changes_nothing():
    rng = random.Random(1)
    names = ("SPICE-1.1.4_n2.hdf5", "molflux_spice_mock_data.h5", "des-monomers.hdf5")
    parameters = Chem.SmilesParserParams()
    parameters.removeHs = False
    checked = 0
    for name in names:
        with h5py.File(SPICE / name) as file:
            texts = [group["smiles"].asstr()[0] for group in file.values()]
        for text in texts[::4]:
            molecule = Chem.MolFromSmiles(text, parameters)
            expected = read_species(*rewritten(molecule, rng))
            assert read_species(*rewritten(molecule, rng)) == expected
            assert Chem.CanonSmiles(expected.smiles) == expected.smiles
            assert Chem.CanonSmiles(expected.molecule) == expected.molecule
            checked += 1
    assert checked > 90


def test_isotopes_are_their_element():
    heavy = read_species("[O:1]([2H:2])[2H:3]", [8, 1, 1])
    assert heavy == read_species("[O:1]([H:2])[H:3]", [8, 1, 1])
    assert heavy.smiles == "O"

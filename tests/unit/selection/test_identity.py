"""SMILES and InChI of the same molecule, and of others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mepflow.selection.identity import canonical_smiles, inchi_change, smiles_change


@pytest.mark.parametrize(
    ("original", "relaxed"),
    [
        ("InChI=1S/CH4/h1H4", "InChI=1S/CH4/h1H4"),
        ("InChI=1S/C2H2F2/c3-1-2-4/h1-2H", "InChI=1S/C2H2F2/c3-1-2-4/h1-2H/b2-1+"),
        ("InChI=1S/C3H7F/c1-3(2)4/h3H", "InChI=1S/C3H7F/c1-3(2)4/h3H/t3-/m0/s1"),
        ("InChI=1S/C3H7F/c1-3(2)4/h3H/t3-/m1/s1", "InChI=1S/C3H7F/c1-3(2)4/h3H/t3-/m0/s1"),
    ],
)
def test_stereochemistry_does_not_change_an_inchi(original, relaxed):
    assert inchi_change(original, relaxed) == ""
    assert inchi_change(relaxed, original) == ""


@pytest.mark.parametrize(
    ("original", "relaxed"),
    [
        ("InChI=1S/CH4O/c1-2/h2H,1H3", "InChI=1S/CH3NO/c1-2/h2H,1H3"),
        ("InChI=1S/CH4O/c1-2/h2H,1H3", "InChI=1S/CH4O/c1-2/h1-2H3"),
        ("InChI=1S/CH4O/c1-2/h2H,1H3", "InChI=1S/CH4O/c2-1/h2H,1H3"),
        ("InChI=1S/CH4O/c1-2/h2H,1H3", "InChI=1S/CH4O/c1-2/h2H,1H3/p+1"),
        ("InChI=1S/CH4O/c1-2/h2H,1H3/t1-", "InChI=1S/CH4O/c1-2/h2H,1H3/q+1/t1-"),
    ],
)
def test_formula_bonds_hydrogens_and_charge_change_an_inchi(original, relaxed):
    assert inchi_change(original, relaxed) == f"{original} became {relaxed}"


@pytest.mark.parametrize(
    ("original", "relaxed"),
    [
        ("CN1C=CC=C1", "Cn1cccc1"),
        ("C1=CC=CC=C1", "c1ccccc1"),
        ("N=C1NC=CO1", "N=c1occ[nH]1"),
        ("CC(C)=O", "CC(=O)C"),
        ("C[N+](=O)[O-]", "CN(=O)=O"),
        ("CN=[N+]=[N-]", "CN=N#N"),
        ("FC(O)C", "C[C@H](O)F"),
        ("C[C@@H](O)F", "C[C@H](O)F"),
        ("FC=CF", "F/C=C/F"),
        ("F/C=C\\F", "F/C=C/F"),
        ("[CH3:1][OH:2]", "CO"),
        ("[H:1]OC", "CO"),
        ("[H]C([H])([H])[H]", "C"),
        ("CC=N", "[H]/N=C/C"),
        ("N=N", "[H]/N=N/[H]"),
        ("not a molecule", "not a molecule"),
    ],
)
def test_the_same_molecule_in_another_way(original, relaxed):
    assert smiles_change(original, relaxed) == ""
    assert smiles_change(relaxed, original) == ""


@pytest.mark.parametrize(
    ("original", "relaxed"),
    [
        ("CO", "CN"),
        ("CCO", "COC"),
        ("CC=O", "C=CO"),  # tautomers
        ("[NH3+]CC([O-])=O", "NCC(=O)O"),  # a proton moved
        ("C1CC1", "C=CC"),
        ("CO", "C.O"),
        ("C[O-]", "CO"),
        ("C[CH2]", "CC"),
    ],
)
def test_another_molecule(original, relaxed):
    assert smiles_change(original, relaxed) == f"{original} became {relaxed}"


@pytest.mark.parametrize(
    ("original", "relaxed", "note"),
    [
        ("CO", "C[NH3]C", "C[NH3]C"),
        ("C[NH3]C", "CO", "C[NH3]C"),
        ("C(", "C)", "C( and C)"),
    ],
)
def test_a_smiles_that_is_no_molecule_is_a_change(original, relaxed, note, capfd):
    detail = smiles_change(original, relaxed)
    assert detail == f"{original} became {relaxed} ({note} cannot be read as a molecule)"
    assert capfd.readouterr() == ("", "")  # RDKit is silent


@given(st.text(max_size=20))
def test_no_text_crashes_the_comparison(text):
    assert smiles_change(text, text) == ""
    assert canonical_smiles(text) is None or canonical_smiles(text) == canonical_smiles(
        canonical_smiles(text)
    )


def test_isotopes_are_the_same_molecule():
    assert canonical_smiles("[2H]O[2H]") == canonical_smiles("O") == "O"
    assert canonical_smiles("[13CH3]C") == canonical_smiles("CC")

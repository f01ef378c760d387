"""Drawn structures: orders of bonds, and labels of atoms that cover each other."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from rdkit import Chem
from rdkit.Chem import AllChem

from mepflow.molecules import Molecule
from mepflow.plots.bond_orders import bond_orders
from mepflow.plots.structure import draw_atoms, structure_title
from mepflow.units import ANGSTROM_IN_BOHR


def embedded(smiles, shuffle=0) -> Molecule:
    """Return a molecule with RDKit's geometry, its atoms in another order than in the SMILES."""
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert AllChem.EmbedMolecule(molecule, randomSeed=7) == 0
    order = np.random.default_rng(shuffle).permutation(molecule.GetNumAtoms())
    numbers = np.array([atom.GetAtomicNum() for atom in molecule.GetAtoms()], np.uint8)
    positions = molecule.GetConformer().GetPositions() * ANGSTROM_IN_BOHR
    return Molecule("m", numbers[order], positions[order], Chem.GetFormalCharge(molecule), smiles)


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        ("CC#N", {"CH": [1] * 3, "CC": [1], "CN": [3]}),
        ("CC=O", {"CH": [1] * 4, "CC": [1], "CO": [2]}),
        ("C[N+](=O)[O-]", {"CH": [1] * 3, "CN": [1], "NO": [1.5, 1.5]}),
        ("CC(=O)[O-]", {"CH": [1] * 3, "CC": [1], "CO": [1.5, 1.5]}),
        ("c1ccncc1", {"CH": [1] * 5, "CC": [1.5] * 4, "CN": [1.5] * 2}),
        ("CS(C)(=O)=O", {"CH": [1] * 6, "CS": [1] * 2, "OS": [2] * 2}),
    ],
)
def test_orders_are_those_of_the_smiles(smiles, expected) -> None:
    molecule = embedded(smiles)
    symbols = [Chem.GetPeriodicTable().GetElementSymbol(int(n)) for n in molecule.atomic_numbers]
    found = {}
    for pair, order in bond_orders(molecule).items():
        found.setdefault("".join(sorted(symbols[k] for k in pair)), []).append(order)
    assert found == expected


def test_another_molecule_than_the_smiles_has_single_bonds() -> None:
    molecule = embedded("C=C")
    for smiles in ("", "no SMILES", "CC", "C=CC"):
        other = Molecule("m", molecule.atomic_numbers, molecule.positions, 0, smiles)
        assert set(bond_orders(other).values()) == {1.0}


def drawn(molecule, projected, **options):
    axes = Figure().add_subplot()
    draw_atoms(axes, molecule, projected, 7.0, **options)
    return axes


def test_atoms_that_cover_each_other_share_a_label() -> None:
    # Methylene as seen along its plane: both hydrogen atoms are at one place.
    numbers = np.array([1, 6, 1], np.uint8)
    seen = np.array([[1.0, 0.0, 0.8], [0.0, 0.0, 0.0], [1.0, 0.1, -0.8]])
    axes = drawn(Molecule("m", numbers, seen * ANGSTROM_IN_BOHR), seen)
    assert {text.get_text() for text in axes.texts} == {"C", "H₂"}
    assert len(axes.lines) == 2
    # Along the bond: the hydrogen atom is behind the carbon atom, and there is no bond to see.
    seen = np.array([[0.0, 0.1, 1.1], [0.0, 0.0, 0.0]])
    pair = Molecule("m", numbers[:2], seen * ANGSTROM_IN_BOHR)
    axes = drawn(pair, seen)
    assert [text.get_text() for text in axes.texts] == ["CH"]
    assert axes.texts[0].get_position() == (0.0, 0.0)
    assert not axes.lines
    assert [text.get_text() for text in drawn(pair, seen, hydrogens=False).texts] == ["C"]


def test_a_double_bond_is_two_lines_and_an_aromatic_one_has_a_dashed_one() -> None:
    ethene, benzene = embedded("C=C"), embedded("c1ccccc1")
    lines = drawn(ethene, ethene.positions / ANGSTROM_IN_BOHR).lines
    assert len(lines) == 4 + 2
    axes = drawn(benzene, benzene.positions / ANGSTROM_IN_BOHR)
    dashed = [line for line in axes.lines if line.is_dashed()]
    assert len(dashed) == 6
    assert len(axes.lines) == 6 + 12
    # The dashed lines are inside of the ring.
    carbon = benzene.positions[benzene.atomic_numbers == 6][:, :2] / ANGSTROM_IN_BOHR
    middle = carbon.mean(axis=0)
    solid = [line for line in axes.lines if not line.is_dashed()]
    inner = max(np.linalg.norm(line.get_xydata().mean(axis=0) - middle) for line in dashed)
    assert inner < max(np.linalg.norm(line.get_xydata().mean(axis=0) - middle) for line in solid)


def test_a_title_holds_name_formula_and_smiles() -> None:
    assert structure_title(embedded("OCC")) == "ethanol\nC₂H₆O\nOCC"
    long = embedded("CC(C)CC(C)CC(C)CC(C)CC(C)C")
    assert structure_title(long) == "m\nC₁₆H₃₄"

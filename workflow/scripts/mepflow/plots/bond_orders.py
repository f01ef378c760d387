"""Orders of the bonds in pictures: those of the SMILES, for atoms in any order."""

from typing import Final

from rdkit import Chem, rdBase

from mepflow.geometry.bonds import bonds
from mepflow.molecules import Molecule
from mepflow.units import BOHR_IN_ANGSTROM

AROMATIC: Final = 1.5
"""Order of aromatic bonds, and of others between single and double."""
_FORMS: Final = 64


def bond_orders(molecule: Molecule) -> dict[tuple[int, int], float]:
    """Return the order of each bond: 1, 2, 3, or :data:`AROMATIC`.

    Bonds are what distances say, orders what the SMILES says. Where the two are not the same
    molecule, or without a SMILES, every order is 1.
    """
    found = bonds(molecule.atomic_numbers, molecule.positions * BOHR_IN_ANGSTROM)
    skeleton = Chem.RWMol()
    for number in molecule.atomic_numbers:
        atom = Chem.Atom(int(number))
        atom.SetNoImplicit(True)
        skeleton.AddAtom(atom)
    for pair in found:
        skeleton.AddBond(*pair, Chem.BondType.SINGLE)
    with rdBase.BlockLogs():
        drawn = Chem.MolFromSmiles(molecule.smiles)
    orders = dict.fromkeys(found, 1.0)
    if drawn is None or not len(molecule):
        return orders
    drawn = Chem.AddHs(drawn)
    match = skeleton.GetSubstructMatch(_skeleton(drawn))
    if len(match) != len(molecule) or drawn.GetNumBonds() != len(found):
        return orders
    for bond, order in zip(drawn.GetBonds(), _mean_orders(drawn), strict=True):
        first, second = (match[k] for k in (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()))
        orders[min(first, second), max(first, second)] = order
    return orders


def _mean_orders(molecule: Chem.Mol) -> list[float]:
    """Return the mean orders over the resonance structures; those between 1 and 2 are alike.

    The two N–O bonds of a nitro group are one example.
    """
    forms = list(Chem.ResonanceMolSupplier(molecule, maxStructs=_FORMS)) or [molecule]
    means = [
        sum(form.GetBondWithIdx(k).GetBondTypeAsDouble() for form in forms) / len(forms)
        for k in range(molecule.GetNumBonds())
    ]
    return [
        AROMATIC if bond.GetIsAromatic() or 1.0 < mean < 2.0 else mean
        for bond, mean in zip(molecule.GetBonds(), means, strict=True)
    ]


def _skeleton(molecule: Chem.Mol) -> Chem.Mol:
    """Return the same atoms in the same order, all bonds single, no charges."""
    plain = Chem.RWMol()
    for atom in molecule.GetAtoms():
        bare = Chem.Atom(atom.GetAtomicNum())
        bare.SetNoImplicit(True)
        plain.AddAtom(bare)
    for bond in molecule.GetBonds():
        plain.AddBond(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), Chem.BondType.SINGLE)
    return plain

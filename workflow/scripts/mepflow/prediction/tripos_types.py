"""Atom and bond types of Tripos, from RDKit's picture of a molecule.

They are those of the SYBYL mol2 format's description. A molecule whose bond orders are not known
has elements for types.
"""

from typing import Final

from rdkit import Chem

_CARBONS: Final = {"SP3": "C.3", "SP2": "C.2", "SP": "C.1"}
_BONDS: Final = {"SINGLE": "1", "DOUBLE": "2", "TRIPLE": "3", "AROMATIC": "ar"}
_FOUR: Final = 4


def atom_type(atom: Chem.Atom) -> str:
    """Return the type of an atom of a sanitised molecule."""
    symbol: str = atom.GetSymbol()
    if symbol == "P":
        return "P.3"
    find = {"C": _carbon, "N": _nitrogen, "O": _oxygen, "S": _sulfur}
    return find[symbol](atom) if symbol in find else symbol


def bond_type(bond: Chem.Bond) -> str:
    """Return the type of a bond; that of an amide's carbon and nitrogen is ``am``."""
    ends = (bond.GetBeginAtom(), bond.GetEndAtom())
    if not bond.GetIsAromatic() and sorted(map(atom_type, ends)) == ["C.2", "N.am"]:
        carbon = next(end for end in ends if end.GetSymbol() == "C")
        return "am" if _is_carbonyl(carbon) else "1"
    name = "AROMATIC" if bond.GetIsAromatic() else bond.GetBondType().name
    return _BONDS.get(name, "un")


def _carbon(atom: Chem.Atom) -> str:
    if atom.GetIsAromatic():
        return "C.ar"
    return _CARBONS.get(atom.GetHybridization().name, "C.3")


def _nitrogen(atom: Chem.Atom) -> str:
    if atom.GetIsAromatic():
        return "N.ar"
    if atom.GetDegree() == _FOUR:
        return "N.4"
    if any(_is_carbonyl(near) for near in atom.GetNeighbors()):
        return "N.am"
    hybridisation = atom.GetHybridization().name
    if hybridisation == "SP":
        return "N.1"
    if hybridisation != "SP2":
        return "N.3"
    doubles = [bond for bond in atom.GetBonds() if bond.GetBondType() == Chem.BondType.DOUBLE]
    return "N.2" if doubles and atom.GetDegree() < _FOUR - 1 else "N.pl3"


def _oxygen(atom: Chem.Atom) -> str:
    if atom.GetIsAromatic():
        return "O.2"
    near = [neighbour for neighbour in atom.GetNeighbors() if neighbour.GetSymbol() in ("C", "P")]
    if atom.GetDegree() == 1 and near:
        alike = [other for other in near[0].GetNeighbors() if _is_terminal_oxygen(other)]
        if len(alike) > 1 and any(other.GetFormalCharge() for other in alike):
            return "O.co2"
    doubles = [bond for bond in atom.GetBonds() if bond.GetBondType() == Chem.BondType.DOUBLE]
    return "O.2" if doubles else "O.3"


def _sulfur(atom: Chem.Atom) -> str:
    oxygens = [
        bond
        for bond in atom.GetBonds()
        if bond.GetBondType() == Chem.BondType.DOUBLE and bond.GetOtherAtom(atom).GetSymbol() == "O"
    ]
    if oxygens:
        return "S.o2" if len(oxygens) > 1 else "S.o"
    doubles = [bond for bond in atom.GetBonds() if bond.GetBondType() == Chem.BondType.DOUBLE]
    return "S.2" if doubles or atom.GetIsAromatic() else "S.3"


def _is_terminal_oxygen(atom: Chem.Atom) -> bool:
    return bool(atom.GetSymbol() == "O" and atom.GetDegree() == 1)


def _is_carbonyl(atom: Chem.Atom) -> bool:
    """Tell whether a carbon atom has a double bond to oxygen or sulfur."""
    return bool(atom.GetSymbol() == "C") and any(
        bond.GetBondType() == Chem.BondType.DOUBLE
        and bond.GetOtherAtom(atom).GetSymbol() in ("O", "S")
        for bond in atom.GetBonds()
    )

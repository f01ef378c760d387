"""Functional groups and kinds of molecules: what the label sets are balanced by."""

import functools
from typing import Final

from rdkit import Chem

SMARTS: Final[dict[str, str]] = {
    "alkene": "[CX3;!a]=[CX3;!a]",
    "alkyne": "C#C",
    "small ring": "[r3,r4]",
    "saturated ring": "[CX4;r5,r6,r7]",
    "aromatic carbocycle": "c1ccccc1",
    "azine": "[n;r6;+0]1aaaaa1",
    "azole": "[#7;a;r5]",
    "furan or thiophene": "[o,s;r5]",
    "alcohol": "[CX4][OX2H]",
    "phenol or enol": "[c,$(C=C)][OX2H]",
    "ether": "[OX2;!$(O[CX3]=[O,S,N]);!$(O[S,P,N,O])]([#6])[#6]",
    "acetal": "[OX2][CX4][OX2]",
    "peroxide": "[OX2][OX2]",
    "aldehyde": "[CX3H1,CX3H2](=[OX1])[#6,#1]",
    "ketone": "[#6][CX3](=[OX1])[#6]",
    "carboxylic acid": "[CX3](=[OX1])[OX2H]",
    "ester": "[#6,#1;!$([CX3]=[OX1])][CX3](=[OX1])[OX2][#6]",
    "carbonate": "[OX2][CX3](=[OX1])[OX2]",
    "acyl halide": "[CX3](=[OX1])[F,Cl,Br]",
    "amide": "[NX3;+0][CX3;!$(C(=O)(N)[N,O])]=[OX1]",
    "urea or carbamate": "[NX3;+0][CX3](=[OX1])[N,O]",
    "primary amine": "[NX3;H2;+0;!$(N[#6]=[O,S,N]);!$(NC#N);!$(N[S,P]);!$(N[N,O]);!$(Na)]",
    "secondary or tertiary amine": (
        "[NX3;H0,H1;+0;!$(N[#6]=[O,S,N]);!$(NC#N);!$(N[S,P]);!$(N[N,O,n,o]);!$(Na)]([#6])[#6]"
    ),
    "arylamine": "[NX3;+0;!$(N[#6]=[O,S,N]);!$(N=*)]a",
    "imine or oxime": "[CX3;!$(C(N)N)]=[NX2;!$(N=N)]",
    "hydrazine or hydroxylamine": "[NX3;+0][NX3,OX2;+0]",
    "amidine or guanidine": "[NX3;+0][CX3]=[NX2;+0]",
    "nitrile": "[CX2]#[NX1]",
    "nitro": "[NX3+](=O)[O-]",
    "N-oxide": "[$([NX4+][O-]),$([n+][O-])]",
    "cumulated nitrogen": "[N,C]=[N,C;+0,+1;X2]=[N,O,S,C]",
    "thiol": "[SX2H]",
    "thioether": "[SX2;!$(S[C]=[O,S,N])]([#6])[#6]",
    "disulfide": "[SX2][SX2]",
    "thiocarbonyl": "[#6]=[SX1;+0]",
    "thioester": "[CX3](=[OX1])[SX2]",
    "sulfoxide or sulfinate": "[SX3]=[OX1]",
    "sulfone": "[#6][SX4](=[OX1])(=[OX1])[#6]",
    "sulfonamide": "[SX4](=[OX1])(=[OX1])[NX3;+0]",
    "sulfonate or sulfate": "[SX4](=[OX1])(=[OX1])[OX2,OX1-,F,Cl]",
    "phosphane": "[PX3]",
    "phosphane oxide or sulfide": "[#6][PX4;!$(P(=[O,S])[O,N,F,Cl])]=[O,S]",
    "phosphonate": "[#6][PX4](=[OX1])[O,N,F,Cl]",
    "phosphate": "[PX4;!$(P[#6])](=[OX1])[O,N,F,Cl]",
    "C-F": "[#6;!$(C(F)(F)F)]F",
    "trifluoromethyl": "C(F)(F)F",
    "C-Cl": "[#6;X4]Cl",
    "C(sp2)-Cl": "[#6;!X4]Cl",
    "C-Br": "[#6;X4]Br",
    "C(sp2)-Br": "[#6;!X4]Br",
    "ammonium": "[NX4;+;!$([N+][O-])]",
    "amidinium or guanidinium": "[NX3][CX3]=[NX3+]",
    "azinium or azolium": "[n+;!$([n+][O-])]",
    "sulfonium or phosphonium": "[S+,P+]",
    "carboxylate": "[CX3](=[OX1])[OX1-]",
    "alkoxide or phenolate": "[#6;!$([#6]=O)][OX1-]",
    "thiolate": "[#6][SX1-]",
    "oxoanion of sulfur or phosphorus": "[S,P][OX1-]",
    "anionic nitrogen": "[#7-;!$([#7-]~[#7+])]",
}
"""Pattern of each functional group. A molecule belongs to every group whose pattern it holds."""
NEUTRAL: Final = "neutral"
CATION: Final = "cation"
ANION: Final = "anion"
ZWITTERION: Final = "zwitterion"
KINDS: Final = (NEUTRAL, CATION, ANION, ZWITTERION)


@functools.cache
def _patterns() -> dict[str, Chem.Mol]:
    return {name: Chem.MolFromSmarts(smarts) for name, smarts in SMARTS.items()}


def groups_of(molecule: Chem.Mol) -> list[str]:
    """Return the functional groups of a molecule, in the order of :data:`SMARTS`."""
    return [name for name, one in _patterns().items() if molecule.HasSubstructMatch(one)]


def kind_of(molecule: Chem.Mol) -> str:
    """Return the kind: a zwitterion has a cationic atom with no anionic one bonded to it.

    Nitro groups, N-oxides, azides and ylides are neutral by that rule.
    """
    charge = Chem.GetFormalCharge(molecule)
    if charge:
        return CATION if charge > 0 else ANION
    separated = (
        atom.GetFormalCharge() > 0
        and all(neighbour.GetFormalCharge() >= 0 for neighbour in atom.GetNeighbors())
        for atom in molecule.GetAtoms()
    )
    return ZWITTERION if any(separated) else NEUTRAL

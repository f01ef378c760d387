"""Which enumerated molecules are left out: unstable ones, and charges on the wrong group."""

import functools
from collections.abc import Mapping
from typing import Final

from rdkit import Chem

UNSTABLE: Final[dict[str, tuple[str, ...]]] = {
    "two polar groups at one carbon, which lose water, ammonia or HX": (
        "[OX2H,SX2H][CX4][OX2H,SX2H]",
        "[OX2H,SX2H][CX4][NX3;+0;!$(N[#6,S,P]=O)]",
        "[NX3;H1,H2;+0;!$(N[#6,S,P]=O)][CX4][NX3;H1,H2;+0;!$(N[#6,S,P]=O)]",
        "[OX2;!R][CX4][NX3;H1,H2;+0;!$(N[#6,S,P]=O)]",
        "[OX2,$([NX2])][CX4][OX2H,SX2H]",
        "[OX2H,SX2H,$([NX3;+0])][CX4][F,Cl,Br]",
        "[Cl,Br]C([Cl,Br])[OX2,NX3,SX2H]",
        "[$([CX4]([O,N,S;X2,X3;+0])([O,N,S;X2,X3;+0])[O,N,S;X2,X3;+0])]",
        "[NX4;!H0;+][CX4][F,Cl,Br,$([OX2]),$([NX3]),$([NX2]),$([SX2])]",
        "[S-,O-][CX4][F,Cl,Br,$([OX2]),$([NX3]),$([SX2])]",
        "[Br,Cl][CX4][CX4][S-,O-]",
    ),
    "tautomers of something else": (
        "[OX2H,SX2H,$([NX3;H1,H2;+0])][CX3;!a]=[CX3;!a]",
        "[OX2H,SX2H,$([NX3;H1,H2;+0])]C#[C,$(N-*)]",
        "[OX2H,SX2H]C#N",
        "[NX2]=[CX3][OX2H,SX2H]",
        "[CX4;!H0][NX2]=O",
        "[CX3](=O)[NX2]=O",
        "[SX3,SX4;!H0]",
        "[SX2H][!#6]",
        "[NX4;!H0;+][$([CX2]),$(C=[O,N]),$([CX3][F,Cl,Br])]",
    ),
    "carbonyl and imidoyl compounds that lose CO₂, HX or the like": (
        "[NX3][CX3](=[O,S])[OX2H,SX2H]",
        "[OX2][CX3](=[O,S])[OX2H,SX2H]",
        "[F,Cl,Br][CX3](=O)[OX2H,S-]",
        "[CX3H1](=O)[F,Cl,Br]",
        "[NX3;!H0][CX3](=[O,S])[F,Cl,Br]",
        "[O,N,S][CX3](=[O,S])Br",
        "[CX3](=O)(C#N)[O,N,S]",
        "[O-]C(=O)[$([N+](=O)[O-]),F,Cl,Br]",
        "[P,S,$([N+])][OX2][CX3]=O",
        "[CX3](=O)[NX3][CX3](=O)[NX2]",
        "[N+;!H0][NX3,OX2][CX3]=O",
        "[NH2+]=C[F,Cl,Br]",
        "[N+;!H0]=C[F,Cl,Br]",
        "N=C([F,Cl,Br])[NX3]",
        "[O-,S-]C(=C)[F,Cl,Br]",
        "[O-]N=C[F,Cl,Br,O,S]",
        "[SX1]=[CX3]([#6,#1,F,Cl,Br])[#6,#1]",
        "[CX3H1](=S)[S,O]",
    ),
    "chains of nitrogen and oxygen, peroxides, energetic ones": (
        "[O,N;!a;X2,X3;+0][O,N;!a;X2,X3;+0][O,N;!a;X2,X3;+0]",
        "[OX2][OX2][N,P,S,n]",
        "[OX2][OX2][CX4][F,Cl,Br,O,N,S,P]",
        "[#6,#1][CX3](=O)[OX2][OX2][CX3]",
        "[NX3;H1,H2;+0][$([N+](=O)[O-])]",
        "[NX3;!H0][NX2]=[NX2]",
        "[NX2]=[NX2][NX2]=O",
        "[S,P,n,$([NX3;!H0])][NX2]=O",
        "[S,P,O;!$(O[#6])][N+](=O)[O-]",
        "[N,O,S,P,F,Cl,Br][$([N+]#[C-]),$(N=[N+]=[N-]),$(N=C=[O,S])]",
        "[$(N=C(-*)[N+]#[C-]),$(C([N+]#[C-])=O)]",
        "[$(N=[N+]=[N-])]C=C=O",
        "[N-;X2][NX2,NX3,OX2]",
        "[O-][OX2,SX2,PX3,$([NX3;+0])]",
        "[O-][N+]([O-])=C[N,O,S,F]",
        "[$([NX4+][O-])][!#6;!$([O-])]",
        "[$([NX4+][O-])][CX3,CX2]",
    ),
    "weak bonds of halogens, sulfur and phosphorus": (
        "[N,O,n,o][F,Cl,Br]",
        "[SX2][F,Br]",
        "[SX3][F,Cl,Br]",
        "S(=O)(=O)Br",
        "PBr",
        "[NX4;+;!$([N+][O-])][S,P,F,Cl,Br]",
        "[P+;!H0][F,Cl,Br,O]",
        "[SX2][OX2,$([NX3;H1,H2])]",
        "[NX3][SX2][!#6]",
        "[SX2][SX2]S",
        "[SX2][SX2][P,N,Cl]",
        "[S][S][S-]",
        "[S-][N,O]",
        "[P,S;!$(S(=O)(=O))][NX2]",
        "[P,S][NX3][O,N]",
    ),
    "phosphanes that rearrange": (
        "[PX3][OX2H,SX2H,$([NX3;H1,H2]),$([NX2]),$([N+]),$(N=*),$(O[S,N,O]),$(O(P)P)]",
        "[PX3][CX4][F,Cl,Br;!$([F][CX4](F))]",
        "[Br][CX4][PX3]",
        "[PX3;H1,H2][C]=O",
        "[PX3][CX3]=[O,S,N]",
        "[PX3;!H0]S",
        "PP",
        "[CX3](=O)[SX2]P",
    ),
    "cumulenes, ynamines, cyclopropenes, carbenoids": (
        "[#6]=[CX2]=[#6][F,Cl,Br,O,N,S,P]",
        "C#C[NX2]",
        "[!c][OX2]C#N",
        "[F,Cl,Br,O,N,S][C;r3]1C=C1",
        "[C-;!$([C-]#[N+])][F,Cl,Br,O,N,S,P]",
    ),
}
"""Patterns of molecules that fall apart, tautomerise or polymerise at once, by reason."""
ELECTROPHILE: Final = (
    "[$([#6]=[#6;X2]=O),$([NX2]=[CX2]=[O,S]),$([CX3](=O)[F,Cl,Br]),$(C(=O)C#N),"
    "$(S(=O)(=O)[F,Cl,$(C#N)]),$(P[F,Cl,Br]),$(SCl),$(N=O),$(C(=O)OC=O)]"
)
NUCLEOPHILE: Final = (
    "[$([NX3;!H0;+0;!$(N[#6,S,P]=[O,S])]),$([OX2H;!$(OC=O)]),$([SX2H]),$([PX3;!H0])]"
)
ALDEHYDE: Final = "[CX3H1,CX3H2](=O)[#6,#1]"
PRIMARY_AMINE: Final = "[NX3;H2;+0][CX4,N,O]"

ACIDS: Final[Mapping[str, float]] = {
    "[OX2H]S(=O)(=O)": -2,
    "[OX2H]S=O": 2,
    "[OX2H][P;!$(P[O-])]": 2,
    "[OX2H]P[O-]": 7,
    "[OX2H]C=O": 4,
    "[SX2H]C=[O,S]": 3,
    "[SX2H]c": 6.5,
    "[nH]1nnnc1": 5,
    "[SX2H][CX4]": 10,
    "[OX2H]c": 9.5,
    "[OX2H]N": 11,
    "[NX3;H1](C=O)C=O": 9.5,
    "[NX3;H1,H2]S(=O)=O": 10,
    "[nH]": 14,
}
"""Roughly the pKa in water of a group's proton."""
ANIONS: Final[Mapping[str, float]] = {
    "[O-]S(=O)=O": -2,
    "[O-]S": 2,
    "[O-,S-]P": 2,
    "[O-]C=O": 4,
    "[S-]C=[O,S]": 3,
    "[S-]C#N": -1,
    "[S-]c": 6.5,
    "[n-]1nnnc1": 5,
    "[S-]": 9.5,
    "[O-]c": 9.5,
    "[O-]N=C": 11,
    "[O-]C=C": 9,
    "[N-](C=O)C=O": 9.5,
    "[N-]S(=O)=O": 9,
    "[N-]C#N": 9,
    "[n-]": 14,
    "[C-]": 11,
    "[O-][CX4]": 15.5,
}
"""The pKa of the acid that an anionic group comes from."""
BASES: Final[Mapping[str, float]] = {
    "[NX3;+0;!$(N[#6]=[#6,O,S,N]);!$(N[#6]#N);!$(N[S,P,N,O,a])][CX4]": 10,
    "[NX3;+0][CX3](=[NX2])[NX3]": 13,
    "[NX3;+0][CX3]=[NX2]": 12,
    "[CX3;!$(CN)]=[NX2;!$(N[O,N])]": 7,
    "[nX2]1c[nX3]cc1": 7,
    "[nX2;r6]": 5,
    "[NX3;+0]a": 4.5,
    "[NX3;+0][NX3;+0]": 8,
    "[PX3]([#6])([#6])[#6]": 8,
}
"""The pKa of a group's conjugate acid."""
CATIONS: Final[Mapping[str, float]] = {
    "[NX4;!H0;+][O,N]": 6.5,
    "[NX4;!H0;+]": 10,
    "[NX3;!H0;+]=C(N)N": 13,
    "[NX3;!H0;+]=C[N,S,O]": 10,
    "[NX3;!H0;+]=C": 7,
    "[nH+]1c[nX3]cc1": 7,
    "[nH+;r6]": 5,
    "[nH+]": 2.5,
    "[P;!H0;+]": 8,
}
"""The pKa of a cationic group; a cation that has no proton to give is absent."""
HIGHEST: Final = 99.0
TOLERANCE: Final = 1.0


@functools.cache
def _pattern(smarts: str) -> Chem.Mol:
    return Chem.MolFromSmarts(smarts)


def _has(molecule: Chem.Mol, smarts: str) -> bool:
    return bool(molecule.HasSubstructMatch(_pattern(smarts)))


def is_stable(molecule: Chem.Mol) -> bool:
    """Tell whether a molecule holds none of the unstable patterns, nor two groups that react."""
    if any(_has(molecule, smarts) for patterns in UNSTABLE.values() for smarts in patterns):
        return False
    if _has(molecule, ELECTROPHILE) and _has(molecule, NUCLEOPHILE):
        return False
    return not (_has(molecule, ALDEHYDE) and _has(molecule, PRIMARY_AMINE))


def protons_are_in_place(molecule: Chem.Mol) -> bool:
    """Tell whether no proton would move from one group to another in water.

    An anion must have lost its most acidic proton, a cation must be protonated at its strongest
    base, and the cation of a zwitterion must be the weaker acid. At most one group of each sign
    is allowed.
    """
    anionic, cationic = _first(molecule, ANIONS), _first(molecule, CATIONS)
    if anionic is not None:
        acids = [value for smarts, value in ACIDS.items() if _has(molecule, smarts)]
        if anionic > min(acids, default=HIGHEST) + TOLERANCE:
            return False
    if cationic is not None:
        bases = [value for smarts, value in BASES.items() if _has(molecule, smarts)]
        if cationic < max(bases, default=-HIGHEST) - TOLERANCE:
            return False
    return anionic is None or cationic is None or cationic >= anionic


def _first(molecule: Chem.Mol, table: Mapping[str, float]) -> float | None:
    return next((value for smarts, value in table.items() if _has(molecule, smarts)), None)

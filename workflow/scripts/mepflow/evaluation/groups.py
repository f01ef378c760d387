"""Kinds of molecules: functional groups that the errors are broken down by."""

import functools
from typing import Final

from rdkit import Chem, rdBase

from mepflow.errors import InputError

ALL: Final = "all"
"""The group of all molecules."""
AROMATIC: Final = "aromatic"
SMARTS: Final[dict[str, str]] = {
    AROMATIC: "a",
    "not aromatic": "A",
    "formal charges": "[!+0]",
    "carbonyl": "[CX3]=[OX1]",
    "hydroxyl": "[OX2H]",
    "ether or ester oxygen": "[OX2]([#6])[#6]",
    "amine": "[NX3+0;!$(N[#6]=[O,S,N]);!$(NC#N);!$(N[S,P]=O);!$([N]-[a])]",
    "amide": "[NX3][CX3]=[OX1]",
    "nitrile": "[CX2]#[NX1]",
    "fluorine": "F",
    "chlorine or bromine": "[Cl,Br]",
    "sulphur": "[#16]",
    "phosphorus": "[#15]",
}
"""Pattern of each group. A molecule belongs to every group whose pattern it holds, and to
"not aromatic" where all its atoms are."""
GROUPS: Final = (ALL, *SMARTS)


@functools.cache
def _patterns() -> dict[str, Chem.Mol]:
    return {name: Chem.MolFromSmarts(smarts) for name, smarts in SMARTS.items()}


def groups_of(smiles: str) -> tuple[str, ...]:
    """Return the groups of a molecule, in the order of :data:`GROUPS`.

    A formal charge is that of a Lewis structure: nitro compounds, N-oxides and zwitterions have
    them. Raises :class:`InputError` for text that is no SMILES; without any, the molecule is known
    to be in the group of all only.
    """
    if not smiles:
        return (ALL,)
    with rdBase.BlockLogs():  # the error below says it
        molecule = Chem.MolFromSmiles(smiles)
    if molecule is None:
        raise InputError(f"{smiles!r} is no SMILES: mend the archive's record.")
    found = {name for name, one in _patterns().items() if molecule.HasSubstructMatch(one)}
    if AROMATIC in found:
        found.discard("not aromatic")
    return tuple(name for name in GROUPS if name == ALL or name in found)

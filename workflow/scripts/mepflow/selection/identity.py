"""Whether two SMILES or two InChI are the same molecule, stereochemistry aside."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from rdkit import Chem, rdBase

_STEREO_LAYERS: Final = ("b", "t", "m", "s")

# RDKit's own annotation hides that the answer to an invalid SMILES is None.
_parse_smiles: Final[Callable[[str], Chem.Mol | None]] = Chem.MolFromSmiles


def inchi_change(original: str, relaxed: str) -> str:
    """Say how two InChI differ once their stereochemical layers (/b /t /m /s) are left out.

    The layers are left out because only the relaxed geometry has a definite stereochemistry.
    """
    if without_stereo(original) == without_stereo(relaxed):
        return ""
    return f"{original} became {relaxed}"


def without_stereo(inchi: str) -> str:
    """Return an InChI without its stereochemical layers."""
    first, *layers = inchi.split("/")
    return "/".join([first, *(layer for layer in layers if layer[:1] not in _STEREO_LAYERS)])


def smiles_change(original: str, relaxed: str) -> str:
    """Say how two SMILES differ as molecules, without stereochemistry and atom maps.

    Both are brought into RDKit's canonical form, which knows aromatic and Kekulé forms, and
    charge-separated and hypervalent ones (nitro, azide), as equal. One that RDKit takes for no
    molecule (an impossible valence) is a change unless the texts are equal: a molecule that cannot
    be shown to be unchanged is not kept.
    """
    if original == relaxed:
        return ""
    one, other = canonical_smiles(original), canonical_smiles(relaxed)
    if one is not None and one == other:
        return ""
    invalid = [text for text, form in ((original, one), (relaxed, other)) if form is None]
    note = f" ({' and '.join(invalid)} cannot be read as a molecule)" if invalid else ""
    return f"{original} became {relaxed}{note}"


@lru_cache(maxsize=4096)
def canonical_smiles(smiles: str) -> str | None:
    """Return RDKit's canonical SMILES without stereochemistry, isotopes and atom maps, or None."""
    with rdBase.BlockLogs():
        molecule = _parse_smiles(smiles)
        if molecule is None:
            return None
        for atom in molecule.GetAtoms():
            atom.SetAtomMapNum(0)
            atom.SetIsotope(0)
        # First the stereochemistry: it keeps hydrogens that define it, as in [H]/N=N/[H].
        Chem.RemoveStereochemistry(molecule)
        molecule = Chem.RemoveHs(molecule)
        return str(Chem.MolToSmiles(molecule))

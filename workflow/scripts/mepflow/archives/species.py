"""What a SMILES says about a molecule whose geometry and elements are known already."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rdkit import Chem, rdBase

from mepflow.archives.rejected_records import RecordError

_SMILES_LIMIT: Final = 20_000
"""Longest SMILES in characters: twenty for each of a thousand atoms."""

# RDKit's own annotation hides that the answer to an invalid SMILES is None.
_parse_smiles: Final[Callable[..., Chem.Mol | None]] = Chem.MolFromSmiles


@dataclass(frozen=True, slots=True)
class Species:
    """A molecule without a geometry.

    ``smiles`` is RDKit's canonical one without atom maps and isotopes, whose electrons are the
    same, ``molecule`` the same without stereochemistry. The charge, in e, is the sum of the formal
    ones. ``radical_electrons`` are those of the SMILES, or 1 where there are none but the number of
    electrons is odd.
    """

    smiles: str
    molecule: str
    total_charge: int
    radical_electrons: int


def read_species(smiles: str, atomic_numbers: Sequence[int]) -> Species:
    """Read the SMILES of a molecule with these elements, in the order of its rows.

    Where every atom has a map number, i stands for row i − 1 and the elements are compared atom by
    atom; else they are counted, with the hydrogens that the SMILES implies. A SMILES of a valence
    that RDKit does not know is taken as it is. Raises :class:`RecordError` where it cannot be read
    or is that of other atoms.
    """
    with rdBase.BlockLogs():
        molecule = _parsed(smiles)
        _check_elements(molecule, list(atomic_numbers))
        charge = Chem.GetFormalCharge(molecule)
        radicals = sum(atom.GetNumRadicalElectrons() for atom in molecule.GetAtoms())
        is_odd = (sum(atomic_numbers) - charge) % 2
        canonical, flat = _canonical(molecule)
    return Species(canonical, flat, charge, radicals or is_odd)


def _parsed(smiles: str) -> Chem.Mol:
    if not smiles or len(smiles) > _SMILES_LIMIT:
        raise RecordError(f"its SMILES has {len(smiles)} characters")
    parameters: Any = Chem.SmilesParserParams()
    parameters.removeHs = False
    parameters.allowCXSMILES = False
    molecule = _parse_smiles(smiles, parameters)
    if molecule is None:  # hypervalent, or aromatic in a way of its own
        parameters.sanitize = False
        molecule = _parse_smiles(smiles, parameters)
        if molecule is None:
            raise RecordError(f"its SMILES {smiles[:60]!r} cannot be read")
        molecule.UpdatePropertyCache(strict=False)
        Chem.FastFindRings(molecule)
        Chem.AssignRadicals(molecule)
    return molecule


def _check_elements(molecule: Chem.Mol, atomic_numbers: list[int]) -> None:
    maps = {atom.GetAtomMapNum(): atom.GetAtomicNum() for atom in molecule.GetAtoms()}
    expected_maps = range(1, molecule.GetNumAtoms() + 1)
    if sorted(maps) == list(expected_maps):
        elements = [maps[number] for number in expected_maps]
        is_same = elements == atomic_numbers
    else:
        counts = Counter(atom.GetAtomicNum() for atom in molecule.GetAtoms())
        counts[1] += sum(atom.GetTotalNumHs() for atom in molecule.GetAtoms())
        is_same = +counts == Counter(atomic_numbers)
    if not is_same:
        raise RecordError("the atoms of its SMILES are not its atomic_numbers")


def _canonical(molecule: Chem.Mol) -> tuple[str, str]:
    """Return the canonical SMILES with and without stereochemistry, both without isotopes."""
    for atom in molecule.GetAtoms():
        atom.SetAtomMapNum(0)
        atom.SetIsotope(0)
    isomeric = Chem.RemoveHs(molecule, sanitize=False)
    # First the stereochemistry: it keeps hydrogens that define it, as in [H]/N=N/[H].
    Chem.RemoveStereochemistry(molecule)
    flat = Chem.RemoveHs(molecule, sanitize=False)
    return str(Chem.MolToSmiles(isomeric)), str(Chem.MolToSmiles(flat))

"""Structures that RDKit reads: SDF and Mol files, and SMILES, which get a conformer.

A conformer of a SMILES is one guess at a geometry: ETKDG with a fixed seed (S. Riniker and
G. A. Landrum, J. Chem. Inf. Model. 55, 2562 (2015)), relaxed with MMFF94s, or with UFF where MMFF
has no parameters.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from mepflow.errors import InputError
from mepflow.prediction.charge_statements import Statement, of_pairs
from mepflow.prediction.input_bonds import BondOrders
from mepflow.prediction.input_records import Entry, Record, check_size
from mepflow.prediction.text_files import shown
from mepflow.prediction.valences import valences_of

SEED: Final = 20
"""Seed of the conformers."""
MOST_SMILES_ATOMS: Final = 250
"""Largest molecule that is built from a SMILES: the time for a conformer grows fast."""
_LONGEST_SMILES: Final = 1000
TIMEOUT_SECONDS: Final = 20
RELAXATION_STEPS: Final = 2000
_RECORD_END: Final = re.compile(r"^\$\$\$\$.*\n?", re.MULTILINE)
_DIMENSION: Final = slice(20, 22)
"""Where the second line of a Mol block says 2D or 3D."""
_DATA_ITEM: Final = re.compile(r"^>[^\n]*<([^>\n]+)>[^\n]*\n([^\n]*)", re.MULTILINE)
_RADICALS: Final = re.compile(r"^M  RAD ?[ 0-9]{2,3}(.*)$", re.MULTILINE)
_LONGEST_VALUE: Final = 200
_UNPAIRED_OF_CODE: Final = {1: 0, 2: 1, 3: 2}
"""Unpaired electrons of the codes of ``M  RAD``: singlet, doublet, triplet."""

# RDKit's own annotations hide that the answer to what it cannot read is None.
_parse_smiles: Final[Callable[..., Chem.Mol | None]] = Chem.MolFromSmiles
_parse_mol_block: Final[Callable[..., Chem.Mol | None]] = Chem.MolFromMolBlock


def read_sdf(text: str, source: str) -> Iterator[Entry]:
    """Yield the structures of an SDF or Mol file; the charge is the sum of the formal ones.

    ``source`` is the file's name in an :class:`InputError`, raised where a record that cannot be
    read, is a flat drawing or lacks hydrogen atoms is asked for.
    """
    blocks = [block for block in _RECORD_END.split(text) if block.strip()]
    for number, block in enumerate(blocks, 1):
        place = f"{source}, record {number}"
        yield Entry(place, partial(_sdf_record, block, place))


def _sdf_record(block: str, place: str) -> Record:
    with rdBase.BlockLogs():
        molecule = _parse_mol_block(block, sanitize=False, removeHs=False)
        if molecule is None:
            raise InputError(f"{place} cannot be read as a structure: write the file again.")
        check_size(place, molecule.GetNumAtoms())
        molecule.UpdatePropertyCache(strict=False)
    lines = block.split("\n")
    if _is_drawing(lines[1][_DIMENSION], molecule):
        raise InputError(f"{place} is a flat drawing: give a 3D structure, or its SMILES.")
    record = record_of(place, lines[0].strip(), molecule, _stated(block, molecule, place))
    items = {key: text.strip() for key, text in _DATA_ITEM.findall(block)}
    return replace(record, valences=valences_of(molecule), info=items)


def _is_drawing(mark: str, molecule: Chem.Mol) -> bool:
    """Return whether a record is 2D: unmarked ones are, and marked ones unless they have heights.

    That is what the format's specification says (CTfile formats, the dimensional code).
    """
    if not molecule.GetNumConformers():
        return True
    heights = molecule.GetConformer().GetPositions()[:, 2]
    return mark != "3D" and molecule.GetNumAtoms() > 1 and not np.any(heights)


def _stated(block: str, molecule: Chem.Mol, place: str) -> Statement:
    """Return what formal charges, radicals and data items of a record state.

    Formal charges that are all 0 state nothing: programs that know none leave them out.
    """
    formal = int(Chem.GetFormalCharge(molecule))
    charged = any(atom.GetFormalCharge() for atom in molecule.GetAtoms())
    pairs = {key: text for key, text in _DATA_ITEM.findall(block) if len(text) < _LONGEST_VALUE}
    stated = of_pairs(pairs, place)
    if charged:
        stated = stated.with_other(Statement(total_charge=formal), place)
    unpaired = _unpaired(block)
    if unpaired is not None:
        stated = stated.with_other(Statement(multiplicity=unpaired + 1), place)
    return stated


def _unpaired(block: str) -> int | None:
    """Return the unpaired electrons that the lines ``M  RAD`` state, or None without one."""
    codes = [int(code) for line in _RADICALS.findall(block) for code in line.split()[1::2]]
    return sum(_UNPAIRED_OF_CODE.get(code, 0) for code in codes) if codes else None


def read_smiles_file(text: str, source: str) -> Iterator[Entry]:
    """Yield the molecules of a file with a SMILES and, after a space, a name in each line."""
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split(maxsplit=1)
        if words:
            place, title = f"{source}, line {number}", "".join(words[1:]).strip()
            yield Entry(place, partial(from_smiles, words[0], place, title))


def from_smiles(smiles: str, place: str, title: str = "") -> Record:
    """Return the molecule of a SMILES with a conformer; raises :class:`InputError`."""
    with rdBase.BlockLogs():
        molecule = Chem.AddHs(buildable(smiles, place))
        if not _embed(molecule):
            raise InputError(
                f"{place}: RDKit finds no geometry for {shown(smiles)}: give a structure file."
            )
    plain = Chem.MolToSmiles(Chem.RemoveHs(molecule))
    return record_of(place, title, molecule, statement_of(molecule), plain)


def statement_of(molecule: Chem.Mol) -> Statement:
    """Return what the formal charges and radicals of a SMILES state."""
    unpaired = sum(atom.GetNumRadicalElectrons() for atom in molecule.GetAtoms())
    return Statement(int(Chem.GetFormalCharge(molecule)), unpaired + 1 if unpaired else None)


def from_molecule(molecule: Chem.Mol) -> Record:
    """Return RDKit's ``molecule`` in its first conformer; raises :class:`InputError`."""
    title = molecule.GetProp("_Name") if molecule.HasProp("_Name") else ""
    place = f"the molecule {title}".strip()
    check_size(place, molecule.GetNumAtoms())
    if not molecule.GetNumConformers() or not molecule.GetConformer().Is3D():
        raise InputError(f"{place} has no 3D conformer: embed it, for example with ETKDG.")
    if any(atom.GetNumImplicitHs() for atom in molecule.GetAtoms()):
        raise InputError(f"{place} lacks hydrogen atoms: use Chem.AddHs before it is embedded.")
    stated = Statement(int(Chem.GetFormalCharge(molecule)))
    return record_of(place, title, molecule, stated)


def buildable(smiles: str, place: str) -> Chem.Mol:
    """Return the molecule of a SMILES of which a conformer can be made.

    Raises :class:`InputError` for any other, in the name of ``place``.
    """
    if len(smiles) > _LONGEST_SMILES:
        raise InputError(f"{place}: a SMILES of {len(smiles)} characters is too long to be built.")
    molecule = _parse_smiles(smiles)
    if molecule is None:
        raise InputError(f"{place}: {shown(smiles)} is not a SMILES that RDKit can read.")
    n_atoms = sum(1 + atom.GetTotalNumHs() for atom in molecule.GetAtoms())
    check_size(f"{place}: {shown(smiles)}", n_atoms)
    if n_atoms > MOST_SMILES_ATOMS:
        raise InputError(
            f"{place}: {shown(smiles)} has {n_atoms} atoms, more than the {MOST_SMILES_ATOMS} that "
            "are built from a SMILES: give a structure file."
        )
    if len(Chem.GetMolFrags(molecule)) > 1:
        raise InputError(
            f"{place}: {shown(smiles)} has several fragments, and a SMILES does not say how they "
            "lie: give a structure file."
        )
    if any(atom.GetAtomicNum() == 0 for atom in molecule.GetAtoms()):
        raise InputError(f"{place}: {shown(smiles)} has a placeholder atom: name its element.")
    return molecule


def _embed(molecule: Chem.Mol) -> bool:
    """Give a molecule with hydrogens a relaxed conformer; return whether there is one."""
    parameters: Any = rdDistGeom.ETKDGv3()
    parameters.randomSeed = SEED
    parameters.timeout = TIMEOUT_SECONDS
    for parameters.useRandomCoords in (False, True):
        if rdDistGeom.EmbedMolecule(molecule, parameters) == 0:
            break
    else:
        return False
    if rdForceFieldHelpers.MMFFHasAllMoleculeParams(molecule):
        rdForceFieldHelpers.MMFFOptimizeMolecule(molecule, "MMFF94s", RELAXATION_STEPS)
    elif rdForceFieldHelpers.UFFHasAllMoleculeParams(molecule):
        rdForceFieldHelpers.UFFOptimizeMolecule(molecule, RELAXATION_STEPS)
    return True


def record_of(
    place: str, title: str, molecule: Chem.Mol, stated: Statement, smiles: str = ""
) -> Record:
    """Return RDKit's ``molecule``, in its first conformer, as a record."""
    numbers = [atom.GetAtomicNum() for atom in molecule.GetAtoms()]
    positions = np.asarray(molecule.GetConformer().GetPositions(), dtype=float)
    return Record(
        place,
        title,
        np.array(numbers, np.int64),
        positions,
        stated,
        smiles,
        bond_orders=BondOrders.of(molecule) if molecule.GetNumBonds() else None,
    )

"""Structures in mol2 and PDB files, read by RDKit."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np
from rdkit import Chem, rdBase

from mepflow.errors import InputError
from mepflow.prediction.charge_statements import Statement, of_atoms
from mepflow.prediction.input_records import Entry, Record, check_size
from mepflow.prediction.rdkit_records import record_of

MOL2_MOLECULE: Final = "@<TRIPOS>MOLECULE"
_MOL2_NO_CHARGES: Final = "NO_CHARGES"
_MODEL: Final = re.compile(r"^MODEL\b.*\n", re.MULTILINE)
CHARGE_COLUMN: Final = 8
_HYDROGEN, _CARBON = 1, 6

# RDKit's own annotations hide that the answer to what it cannot read is None.
_parse_mol2: Final[Callable[..., Chem.Mol | None]] = Chem.MolFromMol2Block
_parse_pdb: Final[Callable[..., Chem.Mol | None]] = Chem.MolFromPDBBlock


def read_mol2(text: str, source: str) -> Iterator[Entry]:
    """Yield the molecules of a mol2 file; the charge is the sum of its charges, if it has any.

    ``source`` is the file's name in an :class:`InputError`, raised where one that cannot be read,
    or lacks hydrogen atoms, is asked for.
    """
    for number, block in enumerate(text.split(MOL2_MOLECULE)[1:], 1):
        place = f"{source}, molecule {number}"
        yield Entry(place, partial(_mol2_record, block, place))


def read_pdb(text: str, source: str) -> Iterator[Entry]:
    """Yield the models of a PDB file, each as one molecule with all its residues.

    The charge is the sum of the formal charges in columns 79 and 80, if there are any. Raises as
    :func:`read_mol2` does.
    """
    blocks = _MODEL.split(text)
    parts = blocks[1:] if len(blocks) > 1 else blocks
    for number, block in enumerate(parts, 1):
        place = f"{source}, model {number}" if len(parts) > 1 else source
        yield Entry(place, partial(_pdb_record, block, place))


def atom_rows(block: str) -> list[list[str]]:
    """Return the words of the atoms' lines of a molecule in mol2."""
    section = next((part for part in block.split("@<TRIPOS>") if part.startswith("ATOM")), "")
    return [line.split() for line in section.splitlines()[1:] if line.strip()]


def _mol2_record(block: str, place: str) -> Record:
    with rdBase.BlockLogs():
        # RDKit mends what mol2 calls aromatic in carboxylates and guanidinium.
        molecule = _parse_mol2(MOL2_MOLECULE + block, sanitize=False, removeHs=False)
    record = _checked(molecule, place, block.strip().partition("\n")[0].strip())
    return replace(record, stated=_stated_by_charges(block, place, len(record.atomic_numbers)))


def _stated_by_charges(block: str, place: str, n_atoms: int) -> Statement:
    """Return what a column of charges states, if it adds up to a whole number."""
    if _MOL2_NO_CHARGES in block:
        return Statement()
    try:
        charges = np.array([float(row[CHARGE_COLUMN]) for row in atom_rows(block)])
    except (IndexError, ValueError):
        return Statement()
    if len(charges) != n_atoms or not np.isfinite(charges).all():
        raise InputError(f"{place} has a charge that is no number: correct it.")
    return of_atoms(charges, None) if charges.any() else Statement()


def _pdb_record(block: str, place: str) -> Record:
    with rdBase.BlockLogs():
        molecule = _parse_pdb(block, sanitize=False, removeHs=False)
    record = _checked(molecule, place, "")
    # Its bonds follow from distances alone: their orders are sought like those of an XYZ file.
    formal = 0 if molecule is None else int(Chem.GetFormalCharge(molecule))
    return replace(record, stated=Statement(formal or None), bond_orders=None)


def _checked(molecule: Chem.Mol | None, place: str, title: str) -> Record:
    if molecule is None or not molecule.GetNumConformers():
        raise InputError(f"{place} cannot be read as a structure: write the file again.")
    check_size(place, molecule.GetNumAtoms())
    record = record_of(place, title, molecule, Statement())
    numbers = record.atomic_numbers
    if _CARBON in numbers and _HYDROGEN not in numbers:
        raise InputError(f"{place} has no hydrogen atoms: add them, for example with RDKit.")
    return record

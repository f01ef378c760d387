"""Molecules from structure files, SMILES, or ASE's atoms, checked and named."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols
from ase.formula import Formula
from scipy.spatial.distance import pdist

from mepflow.errors import InputError
from mepflow.molecules import Molecule
from mepflow.prediction.input_records import Record, check_size, read_text, shown
from mepflow.prediction.rdkit_records import from_smiles, read_sdf, read_smiles_file
from mepflow.prediction.xyz import MOST_CHARGE, read_xyz, stated_charge
from mepflow.units import ANGSTROM_IN_BOHR

Reader = Callable[[str, str], Iterator[Record]]

READERS: Final[dict[str, Reader]] = {
    ".xyz": read_xyz,
    ".extxyz": read_xyz,
    ".sdf": read_sdf,
    ".mol": read_sdf,
    ".smi": read_smiles_file,
    ".smiles": read_smiles_file,
}
"""Reader of each kind of file, by the end of its name."""
CLOSEST_ANGSTROM: Final = 0.4
"""Atoms nearer to each other than this are a mistake; the bond of H2 is 0.74."""
_FARTHEST_ANGSTROM: Final = 10_000.0
_MOST_MOLECULES: Final = 100_000
_LONGEST_NAME: Final = 60


@dataclass(frozen=True)
class Structure:
    """A molecule to predict, and where it and its total charge are from."""

    molecule: Molecule
    place: str
    charge_source: str


def read_structures(
    paths: Sequence[Path], smiles: Sequence[str] = (), total_charge: int | None = None
) -> list[Structure]:
    """Return all molecules of the files and SMILES, in that order, with names of their own.

    A SMILES may be followed by a space and a name. A molecule without a name in its file has that
    of the file, with a number where there are several.

    ``total_charge`` in e is that of every molecule; without it a file's own counts, or 0.

    Raises :class:`InputError`, naming file and record, for what cannot be read or is no molecule.
    """
    records: list[tuple[str, Record]] = []
    for path in paths:
        found = list(_records_of(path))
        many = len(found) > 1
        for number, record in enumerate(found, 1):
            records.append((f"{path.stem}-{number}" if many else path.stem, record))
        if len(records) > _MOST_MOLECULES:
            raise InputError(f"There are more than {_MOST_MOLECULES} molecules: divide the files.")
    for text in smiles:
        notation, _, title = text.strip().partition(" ")
        record = from_smiles(notation, "--smiles", title.strip())
        records.append((notation, replace(record, place=f"--smiles {shown(notation)}")))
    names = _names(record.title or default for default, record in records)
    return [
        checked(record, name, total_charge)
        for name, (_, record) in zip(names, records, strict=True)
    ]


def _records_of(path: Path) -> list[Record]:
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(
            f"{path} is not a structure file by its name: use {', '.join(READERS)}, "
            "or give a SMILES with --smiles."
        )
    found = list(reader(read_text(path), str(path)))
    if not found:
        raise InputError(f"{path} holds no structure: give a file with one.")
    return found


def _names(wanted: Iterable[str]) -> list[str]:
    """Return names that are files' names everywhere, and each only once."""
    taken: Counter[str] = Counter()
    names = []
    for text in wanted:
        name = re.sub("[^A-Za-z0-9._+-]+", "_", text)[:_LONGEST_NAME].strip("._-") or "molecule"
        # Also where A and a are the same file.
        while taken[name.lower()]:
            taken[name.lower()] += 1
            name = f"{name}_{taken[name.lower()]}"
        taken[name.lower()] = 1
        names.append(name)
    return names


def from_atoms(atoms: Atoms, total_charge: int | None = None, name: str = "") -> Structure:
    """Return the molecule of ASE's ``atoms``; cell and periodicity do not count.

    Without ``total_charge`` in e, ``charge`` or ``total_charge`` of ``atoms.info`` counts, or 0.
    """
    check_size("the molecule", len(atoms))
    name = name or str(atoms.symbols)
    charge = stated_charge(atoms.info, name)
    record = Record(name, "", np.asarray(atoms.numbers), np.asarray(atoms.positions), charge)
    return checked(record, name, total_charge)


def checked(record: Record, name: str, total_charge: int | None) -> Structure:
    """Return the molecule of a record; raises :class:`InputError` where it cannot be one."""
    if not np.isfinite(record.positions).all():
        raise InputError(f"{record.place} has positions that are no numbers: correct them.")
    if np.abs(record.positions).max() > _FARTHEST_ANGSTROM:
        raise InputError(f"{record.place} has atoms beyond {_FARTHEST_ANGSTROM:.0f} Å: centre it.")
    elements = record.atomic_numbers
    if elements.min() < 1 or elements.max() >= len(chemical_symbols):
        raise InputError(f"{record.place} has an atom that is no element: correct it.")
    _refuse_coincident(record)
    charge, source = _charge(record, total_charge)
    positions = record.positions * ANGSTROM_IN_BOHR
    molecule = Molecule(name, elements.astype(np.uint8), positions, charge, record.smiles)
    return Structure(molecule, record.place, source)


def _refuse_coincident(record: Record) -> None:
    if len(record.positions) == 1:
        return
    distances = pdist(record.positions)
    closest = int(np.argmin(distances))
    if distances[closest] < CLOSEST_ANGSTROM:
        first, second = (row[closest] + 1 for row in np.triu_indices(len(record.positions), 1))
        raise InputError(
            f"{record.place}: atoms {first} and {second} are {distances[closest]:.2g} Å apart: "
            "correct the geometry (it must be in ångström)."
        )


def _charge(record: Record, given: int | None) -> tuple[int, str]:
    if given is not None and abs(given) > MOST_CHARGE:
        raise InputError(f"A total charge of {given} e is none of a molecule: correct it.")
    if given is not None and record.total_charge not in (None, given):
        raise InputError(
            f"{record.place} says a total charge of {record.total_charge} e, but {given} was given:"
            " leave one of the two out."
        )
    if given is not None:
        return given, "given"
    if record.total_charge is not None:
        return record.total_charge, "read"
    return 0, "assumed"


def formula(molecule: Molecule) -> str:
    """Return the molecule's formula in Hill's order, with its charge, as in ``C2H3O2 (-1)``."""
    symbols = [chemical_symbols[number] for number in molecule.atomic_numbers]
    text = Formula.from_list(symbols).format("hill")
    return f"{text} ({molecule.total_charge:+d})" if molecule.total_charge else str(text)

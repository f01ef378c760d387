"""Charges, and higher atomic terms, in the files that programs write.

==========  ====================================================================================
``extxyz``  frames of ASE with charges (AIMNet2's among them); those of ``predict`` hold the model's
            own terms besides, those of MACE-POLAR atomic dipoles, those of DCMNet charges that lie
            beside the atoms
``sdf``     records with ``atom.dprop.PartialCharge`` (RDKit, the OpenFF toolkit, ``predict``)
``mol2``    the last column of the atoms
``pqr``     the charge before the radius; the molecule's name is that of the file
``csv``     columns ``name``, ``charge_e`` (or ``charge``) and, if there is one, ``element``
==========  ====================================================================================
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Final

import ase.io
import numpy as np
import numpy.typing as npt
import pandas as pd
from ase import Atoms, data
from rdkit import Chem, rdBase

from mepflow.electrostatics.atomic_terms import AtomicTerms
from mepflow.errors import InputError
from mepflow.judging.judged_terms import JudgedTerms, OffCentreCharges
from mepflow.multipoles import from_components
from mepflow.prediction.charge_files import PARTIAL_CHARGE
from mepflow.prediction.geometry_files import CHARGES, DIPOLES, QUADRUPOLES
from mepflow.prediction.mol2_and_pdb import CHARGE_COLUMN, MOL2_MOLECULE, atom_rows
from mepflow.prediction.text_files import read_text, unpacked_suffix
from mepflow.units import ANGSTROM_IN_BOHR

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_CHARGE_NAMES: Final = ("charge", "charges", "initial_charges", "partial_charges", "q", "charge_e")
_MACE_POLAR: Final = "density_coefficients"
"""End of the name of a column of four numbers."""
_DCMNET: Final = ("dcm_charges", "dcm_positions")
"""Columns of k and 3 k numbers."""
_PQR_NUMBERS: Final = 5

_RATHER_NAMES: Final = ("Ca", "Cd", "Ce", "Hg", "Ho", "Nd", "Nb")
"""Symbols that, as names of atoms in PQR files, rather are carbon, hydrogen or nitrogen atoms."""


@dataclass(frozen=True)
class ChargedStructure:
    """What a file says of one structure: elements (n,), positions (n, 3) in bohr, atomic terms.

    ``atomic_numbers`` or ``positions`` is None where the file has none. ``higher`` are terms that
    hold more than charges of atoms, None where there are none.
    """

    name: str
    place: str
    charges: FloatArray
    atomic_numbers: IntArray | None
    positions: FloatArray | None
    higher: JudgedTerms | None = None


def read_charges(path: Path) -> list[ChargedStructure]:
    """Return the structures of a file, told by the ending of its name; it may be packed.

    Raises :class:`InputError` naming the file, and the structure that cannot be read.
    """
    kind = unpacked_suffix(path).removeprefix(".")
    if kind not in _READERS:
        raise InputError(f"{path} is none of {', '.join(_READERS)}: convert it, or rename it.")
    try:
        found = list(_READERS[kind](read_text(path), path))
    except (
        OSError,
        ValueError,
        KeyError,
        IndexError,
        AssertionError,
        pd.errors.ParserError,
    ) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path} cannot be read as {kind} ({reason}): write it again.") from error
    if not found:
        raise InputError(f"{path} holds no structure: give a file with charges.")
    for one in found:
        if not np.isfinite(one.charges).all():
            raise InputError(f"{one.place} has a charge that is no number: correct it.")
    return found


def _extxyz(text: str, path: Path) -> Iterator[ChargedStructure]:
    for number, atoms in enumerate(ase.io.iread(StringIO(text), index=":", format="extxyz"), 1):
        place = f"{path}, frame {number}"
        info = atoms.info
        name = str(info.get("name", info.get("title", _stem(path))))
        positions = atoms.positions * ANGSTROM_IN_BOHR
        charges = _charges_of(atoms)
        own = _own_terms(atoms.arrays) or _of_mace_polar(atoms.arrays)
        found = own or _of_dcmnet(atoms.arrays)
        if charges is None and found is None:
            raise InputError(f"{place} has no charges: add a column named charge (e).")
        if charges is None and found is not None:
            charges = found.charges.reshape(len(atoms), -1).sum(axis=1)
        yield ChargedStructure(
            name, place, np.asarray(charges, float), atoms.numbers, positions, found
        )


def _stem(path: Path) -> str:
    return path.name[: path.name.lower().rfind(unpacked_suffix(path))]


def _charges_of(atoms: Atoms) -> FloatArray | None:
    if atoms.calc is not None and "charges" in atoms.calc.results:
        return np.asarray(atoms.calc.results["charges"], dtype=float)
    for name in _CHARGE_NAMES:
        if name in atoms.arrays:
            return np.asarray(atoms.arrays[name], dtype=float)
    return None


def _own_terms(arrays: Mapping[str, Any]) -> AtomicTerms | None:
    if not all(name in arrays for name in (CHARGES, DIPOLES)):
        return None
    charges, dipoles = (np.asarray(arrays[name], dtype=float) for name in (CHARGES, DIPOLES))
    six = arrays.get(QUADRUPOLES)
    quadrupoles = None if six is None else from_components(np.asarray(six, dtype=float))
    return AtomicTerms(charges, dipoles, quadrupoles)


def _of_mace_polar(arrays: Mapping[str, Any]) -> AtomicTerms | None:
    """Return charges and dipoles, which MACE-POLAR has in e and e·Å, in the order 0, y, z, x."""
    name = next((one for one in arrays if one.endswith(_MACE_POLAR)), None)
    if name is None:
        return None
    four = np.asarray(arrays[name], dtype=float)
    return AtomicTerms(four[:, 0].copy(), four[:, [3, 1, 2]] * ANGSTROM_IN_BOHR)


def _of_dcmnet(arrays: Mapping[str, Any]) -> OffCentreCharges | None:
    """Return the k charges of each atom, in e, at their places in Å."""
    if not all(name in arrays for name in _DCMNET):
        return None
    charges, places = (np.asarray(arrays[name], dtype=float) for name in _DCMNET)
    if places.size != 3 * charges.size:
        raise ValueError("dcm_positions holds other than three numbers for each of dcm_charges")
    return OffCentreCharges(charges.reshape(-1), places.reshape(-1, 3) * ANGSTROM_IN_BOHR)


def _sdf(text: str, path: Path) -> Iterator[ChargedStructure]:
    with rdBase.BlockLogs():
        supplier = Chem.SDMolSupplier()
        supplier.SetData(text, removeHs=False, sanitize=False)
        for number, molecule in enumerate(supplier, 1):
            place = f"{path}, record {number}"
            if molecule is None:
                raise InputError(f"{place} cannot be read as a structure: write it again.")
            atoms = list(molecule.GetAtoms())
            if not all(atom.HasProp(PARTIAL_CHARGE) for atom in atoms):
                raise InputError(f"{place} has no data item atom.dprop.{PARTIAL_CHARGE}: add it.")
            yield ChargedStructure(
                molecule.GetProp("_Name") or _stem(path),
                place,
                np.array([atom.GetDoubleProp(PARTIAL_CHARGE) for atom in atoms]),
                np.array([atom.GetAtomicNum() for atom in atoms]),
                molecule.GetConformer().GetPositions() * ANGSTROM_IN_BOHR,
            )


def _mol2(text: str, path: Path) -> Iterator[ChargedStructure]:
    blocks = text.split(MOL2_MOLECULE)[1:]
    for number, block in enumerate(blocks, 1):
        rows = atom_rows(block)
        yield ChargedStructure(
            block.strip().splitlines()[0].strip(),
            f"{path}, molecule {number}",
            np.array([float(row[CHARGE_COLUMN]) for row in rows]),
            np.array([_element_in_mol2(row[5], row[1]) for row in rows]),
            np.array([[float(word) for word in row[2:5]] for row in rows]) * ANGSTROM_IN_BOHR,
        )


def _element_in_mol2(atom_type: str, atom_name: str) -> int:
    """Return the element that a type of Tripos names, or else, with types of GAFF, the name."""
    symbol = atom_type.split(".")[0]
    return data.atomic_numbers.get(symbol) or _element_of(atom_name)


def _pqr(text: str, path: Path) -> Iterator[ChargedStructure]:
    rows = [line.split() for line in text.splitlines() if line.startswith(("ATOM", "HETATM"))]
    # Open Babel writes the element after the radius.
    rows = [row[:-1] if row[-1].isalpha() else row for row in rows]
    numbers = np.array([[float(word) for word in row[-_PQR_NUMBERS:]] for row in rows])
    if len(rows):
        elements = np.array([_element_of(row[2]) for row in rows])
        positions = numbers[:, :3] * ANGSTROM_IN_BOHR
        yield ChargedStructure(_stem(path), str(path), numbers[:, 3], elements, positions)


def _element_of(atom_name: str) -> int:
    letters = "".join(letter for letter in atom_name if letter.isalpha())
    for symbol in (letters[:2].capitalize(), letters[:1].upper()):
        if data.atomic_numbers.get(symbol) and symbol not in _RATHER_NAMES:
            return int(data.atomic_numbers[symbol])
    raise InputError(f"{atom_name!r} names no element: begin atoms' names with their symbols.")


def _csv(text: str, path: Path) -> Iterator[ChargedStructure]:
    frame = pd.read_csv(StringIO(text))
    column = next((name for name in ("charge_e", "charge") if name in frame), None)
    if column is None or "name" not in frame:
        raise InputError(f"{path} lacks the columns name and charge_e: add them.")
    for name, rows in frame.groupby("name", sort=False):
        elements = _numbers_of(rows["element"]) if "element" in rows else None
        charges = rows[column].to_numpy(float)
        yield ChargedStructure(str(name), f"{path}, {name}", charges, elements, None)


def _numbers_of(symbols: Iterable[str]) -> IntArray:
    return np.array([data.atomic_numbers[symbol] for symbol in symbols])


_READERS: Final[Mapping[str, Callable[[str, Path], Iterator[ChargedStructure]]]] = {
    "extxyz": _extxyz,
    "xyz": _extxyz,
    "sdf": _sdf,
    "mol2": _mol2,
    "pqr": _pqr,
    "csv": _csv,
}

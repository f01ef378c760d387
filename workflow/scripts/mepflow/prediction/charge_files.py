"""Molecules in formats of other programs: charges in SDF, mol2, QCSchema; AMOEBA's multipoles.

A molecule is added to one file of its format after the other. Charges are rounded so that they add
up to the total charge.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Any, Final

from ase.data import chemical_symbols
from rdkit import Chem

from mepflow.prediction.amoeba_multipoles import amoeba_text
from mepflow.prediction.geometry_files import as_ascii, charges_are, rounded_to_total
from mepflow.prediction.input_bonds import with_bonds
from mepflow.prediction.result import Prediction
from mepflow.prediction.structures import Structure
from mepflow.prediction.tripos_types import atom_type, bond_type
from mepflow.units import BOHR_IN_ANGSTROM

DIGITS: Final = 6
"""Decimals of the charges in e."""
PARTIAL_CHARGE: Final = "PartialCharge"
"""Name of the property of atoms, after ``atom.dprop.``, that toolkits read charges from."""
_SINGLE_BONDS: Final = "bond orders unknown, all written as single"


@dataclass(frozen=True)
class ChargeFormat:
    """A file of molecules in one of the formats, and the text of a molecule in it."""

    file: str
    text: Callable[[Prediction, Structure], str]


def sdf_text(prediction: Prediction, structure: Structure) -> str:
    """Return a record of an SDF file, with ``atom.dprop.PartialCharge`` and what charges are."""
    molecule, has_orders = with_bonds(prediction.molecule, structure.bond_orders)
    for atom, charge in zip(molecule.GetAtoms(), _charges(prediction), strict=True):
        atom.SetDoubleProp(PARTIAL_CHARGE, charge)
    Chem.CreateAtomDoublePropertyList(molecule, PARTIAL_CHARGE)
    molecule.SetProp("_Name", prediction.molecule.id)
    for name, value in _provenance(prediction, has_orders=has_orders).items():
        molecule.SetProp(name, value)
    text = StringIO()
    with Chem.SDWriter(text) as writer:
        writer.write(molecule)
    return text.getvalue()


def mol2_text(prediction: Prediction, structure: Structure) -> str:
    """Return a molecule of a mol2 file, with Tripos' types where bond orders are known."""
    molecule, has_orders = with_bonds(prediction.molecule, structure.bond_orders)
    numbers, positions = prediction.molecule.atomic_numbers, prediction.molecule.positions
    said = "; ".join(
        [f"{charges_are(prediction)} (e), by mepflow", *([] if has_orders else [_SINGLE_BONDS])]
    )
    lines = [
        f"# {as_ascii(said)}",
        "@<TRIPOS>MOLECULE",
        as_ascii(prediction.molecule.id),
        f"{len(numbers)} {molecule.GetNumBonds()} 1 0 0",
        "SMALL",
        "USER_CHARGES",
        "",
        "@<TRIPOS>ATOM",
    ]
    rows = zip(molecule.GetAtoms(), positions * BOHR_IN_ANGSTROM, _charges(prediction), strict=True)
    for number, (atom, (x, y, z), charge) in enumerate(rows, 1):
        kind = atom_type(atom) if has_orders else atom.GetSymbol()
        lines.append(
            f"{number:7d} {atom.GetSymbol()}{number:<5d} {x:10.4f} {y:10.4f} {z:10.4f} {kind:<6s} "
            f"1 MOL {charge:10.6f}"
        )
    lines.append("@<TRIPOS>BOND")
    for number, bond in enumerate(molecule.GetBonds(), 1):
        kind = bond_type(bond) if has_orders else "1"
        first, second = bond.GetBeginAtomIdx() + 1, bond.GetEndAtomIdx() + 1
        lines.append(f"{number:6d} {first:5d} {second:5d} {kind}")
    return "\n".join([*lines, "", ""])


def qcschema_text(prediction: Prediction, structure: Structure) -> str:
    """Return a line with a ``qcschema_molecule`` in bohr, whose ``extras`` hold the prediction."""
    molecule = prediction.molecule
    content: dict[str, Any] = {
        "schema_name": "qcschema_molecule",
        "schema_version": 2,
        "name": molecule.id,
        "symbols": [chemical_symbols[number] for number in molecule.atomic_numbers],
        "geometry": molecule.positions.ravel().tolist(),
        "molecular_charge": molecule.total_charge,
        "molecular_multiplicity": structure.multiplicity or 1,
        "provenance": {"creator": "mepflow", "routine": "predict"},
        "extras": {
            "charges_e": _charges(prediction),
            "charges_are": charges_are(prediction),
            "dipole_e_bohr": prediction.dipole.tolist(),
            "quadrupole_theta_prime_e_bohr2": prediction.quadrupole.ravel().tolist(),
            "origin_bohr": prediction.origin.tolist(),
        },
    }
    if structure.bond_orders is not None:
        content["connectivity"] = [list(bond) for bond in structure.bond_orders.bonds]
    return json.dumps(content, ensure_ascii=False, allow_nan=False) + "\n"


FORMATS: Final[Mapping[str, ChargeFormat]] = {
    "sdf": ChargeFormat("molecules.sdf", sdf_text),
    "mol2": ChargeFormat("molecules.mol2", mol2_text),
    "qcschema": ChargeFormat("molecules.qcschema.jsonl", qcschema_text),
    "amoeba": ChargeFormat("molecules.amoeba.jsonl", amoeba_text),
}
"""By the name on the command line."""


def _charges(prediction: Prediction) -> list[float]:
    total = prediction.molecule.total_charge
    return list(map(float, rounded_to_total(prediction.charges, total, DIGITS)))


def _provenance(prediction: Prediction, *, has_orders: bool) -> dict[str, str]:
    """Return what a record says of itself, by the name of the item."""
    said = {
        "mepflow_charges": f"{charges_are(prediction)} (e)",
        "mepflow_total_charge": str(prediction.molecule.total_charge),
    }
    return said if has_orders else said | {"mepflow_bonds": _SINGLE_BONDS}

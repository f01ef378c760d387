"""Molecules from what a reader found, or from ASE's atoms, checked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols
from ase.formula import Formula
from scipy.spatial.distance import pdist

from mepflow.errors import InputError
from mepflow.molecules import Molecule
from mepflow.prediction.charge_statements import (
    MOST_CHARGE,
    Statement,
    multiplicity_of_spin,
    of_atoms,
    of_pairs,
)
from mepflow.prediction.input_bonds import BondOrders
from mepflow.prediction.input_records import Conformer, Record, check_size
from mepflow.prediction.text_files import shown
from mepflow.prediction.valences import Valences
from mepflow.units import ANGSTROM_IN_BOHR

CLOSEST_ANGSTROM: Final = 0.4
"""Atoms nearer to each other than this are a mistake; the bond of H2 is 0.74."""
_FARTHEST_ANGSTROM: Final = 10_000.0


@dataclass(frozen=True)
class Structure:
    """A molecule to predict, and what its input says of it.

    ``charge_source`` is *given* (by the caller), *read* (in the input) or *assumed*;
    ``multiplicity`` is None where the input states none; ``notes`` are sentences on what the input
    says and a prediction cannot follow; ``info`` is what else it says, ``bond_orders`` those of its
    bonds, None where it has none; ``conformer`` is set where it is one of several.
    """

    molecule: Molecule
    place: str
    charge_source: str
    multiplicity: int | None = None
    notes: tuple[str, ...] = ()
    title: str = ""
    is_periodic: bool = False
    info: Mapping[str, Any] = field(default_factory=dict)
    bond_orders: BondOrders | None = None
    conformer: Conformer | None = None


@dataclass(frozen=True)
class Failure:
    """What cannot be predicted: the name of the molecule, where it is from, and the reason."""

    name: str
    place: str
    reason: str


def from_atoms(atoms: Atoms, total_charge: int | None = None, name: str = "") -> Structure:
    """Return the molecule of ASE's ``atoms``; cell and periodicity do not count.

    Without ``total_charge`` in e counts what ``atoms.info``, the initial charges and the initial
    magnetic moments state (:mod:`mepflow.prediction.charge_statements`), or 0.
    """
    check_size("the molecule", len(atoms))
    name = name or str(atoms.symbols)
    record = Record(
        name,
        "",
        np.asarray(atoms.numbers),
        np.asarray(atoms.positions),
        _stated_by(atoms, name),
        is_periodic=bool(np.any(atoms.pbc)),
        info=dict(atoms.info),
    )
    return checked(record, name, total_charge)


def _stated_by(atoms: Atoms, name: str) -> Statement:
    stated = of_pairs(atoms.info, name)
    charges = atoms.arrays.get("initial_charges") if stated.total_charge is None else None
    moments = atoms.arrays.get("initial_magmoms") if stated.multiplicity is None else None
    if moments is not None and moments.ndim > 1:
        moments = None  # of a calculation with spin-orbit coupling
    return stated.with_other(of_atoms(charges, moments), name)


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
    return Structure(
        molecule,
        record.place,
        source,
        _multiplicity(record, charge),
        tuple(_notes(record, charge)),
        record.title,
        record.is_periodic,
        record.info,
        record.bond_orders,
        record.conformer,
    )


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
    """Return the total charge and where it is from, checked against the bonds of the input."""
    if given is not None and abs(given) > MOST_CHARGE:
        raise InputError(f"A total charge of {given} e is none of a molecule: correct it.")
    stated, bonds = record.stated.total_charge, record.valences
    if given is not None and stated not in (None, given):
        raise InputError(
            f"{record.place} says a total charge of {stated} e, but {given} was given:"
            " leave one of the two out."
        )
    known = given if given is not None else stated
    if bonds is not None and bonds.problem and (known is None or known != bonds.total_charge):
        raise InputError(f"{record.place}: {bonds.problem}: {_remedy(bonds)}.")
    if known is not None:
        return known, "read" if given is None else "given"
    if bonds is not None and bonds.total_charge is not None:
        return bonds.total_charge, "read"
    return 0, "assumed"


def _remedy(bonds: Valences) -> str:
    if "hydrogen" in bonds.problem and "bonds" not in bonds.problem:
        ion = f"; for an ion of charge {bonds.total_charge:+d}, " if bonds.total_charge else ""
        how = f"write its formal charges or give --charge {bonds.total_charge}" if ion else ""
        return f"add them, or give its SMILES{ion}{how}"
    if bonds.total_charge is None:
        return "correct the bonds, or write the formal charges"
    return (
        f"write formal charges, which would add up to {bonds.total_charge:+d}, or give "
        f"--charge {bonds.total_charge}"
    )


def _multiplicity(record: Record, charge: int) -> int | None:
    if record.stated.spin is None:
        return record.stated.multiplicity
    return multiplicity_of_spin(record.stated.spin, int(record.atomic_numbers.sum()) - charge)


def _notes(record: Record, charge: int) -> Iterator[str]:
    for piece in record.stated.not_understood:
        yield f"its input says {shown(piece)}, which is not understood as charge or spin"
    bonds = record.valences
    if bonds is not None and not bonds.problem and bonds.total_charge not in (None, charge):
        yield f"the bonds of its file are those of a total charge of {bonds.total_charge}"
    if record.valences is not None and record.valences.problem:
        yield f"its file has no formal charges ({record.valences.problem})"


def formula(molecule: Molecule) -> str:
    """Return the molecule's formula in Hill's order, with its charge, as in ``C2H3O2 (-1)``."""
    text = _formula(tuple(sorted(molecule.atomic_numbers.tolist())))
    return f"{text} ({molecule.total_charge:+d})" if molecule.total_charge else text


@lru_cache(maxsize=1024)
def _formula(atomic_numbers: tuple[int, ...]) -> str:
    symbols = [chemical_symbols[number] for number in atomic_numbers]
    return str(Formula.from_list(symbols).format("hill"))

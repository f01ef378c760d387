"""Bond orders and formal charges: those of the input, or those that the geometry speaks of."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from rdkit import Chem, rdBase
from rdkit.Chem import rdDetermineBonds
from rdkit.Geometry import Point3D

from mepflow.geometry.bonds import bonds
from mepflow.molecules import Molecule
from mepflow.units import BOHR_IN_ANGSTROM

MOST_ATOMS: Final = 150
"""Largest molecule whose bond orders are sought in its geometry: the search grows fast."""
_SEARCHES: Final = 2000


@dataclass(frozen=True)
class BondOrders:
    """Bonds (first atom, second atom, order), counted from 0, and formal charges (n,) in e."""

    bonds: tuple[tuple[int, int, float], ...]
    formal_charges: tuple[int, ...]

    @classmethod
    def of(cls, molecule: Chem.Mol) -> "BondOrders":
        """Return those of RDKit's ``molecule``, alternating single and double in aromatic rings."""
        plain = Chem.Mol(molecule)
        with rdBase.BlockLogs():
            try:
                Chem.Kekulize(plain, clearAromaticFlags=True)
            except Chem.MolSanitizeException:
                plain = molecule
        pairs = [
            (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), float(bond.GetBondTypeAsDouble()))
            for bond in plain.GetBonds()
        ]
        return cls(tuple(pairs), tuple(atom.GetFormalCharge() for atom in plain.GetAtoms()))


_BOND_TYPES: Final = {
    1.0: Chem.BondType.SINGLE,
    1.5: Chem.BondType.AROMATIC,
    2.0: Chem.BondType.DOUBLE,
    3.0: Chem.BondType.TRIPLE,
}


def with_bonds(molecule: Molecule, known: BondOrders | None) -> tuple[Chem.Mol, bool]:
    """Return RDKit's molecule with a conformer, and whether its bond orders are known.

    Where ``known`` is None they are sought in geometry and total charge; a molecule in which none
    are found has single bonds between neighbours.
    """
    if known is None and len(molecule) <= MOST_ATOMS:
        known = _sought(molecule)
    if known is not None:
        built = _built(molecule, known)
        with rdBase.BlockLogs():
            Chem.SanitizeMol(built, catchErrors=True)
        return built, True
    near = bonds(molecule.atomic_numbers, molecule.positions * BOHR_IN_ANGSTROM)
    single = tuple((first, second, 1.0) for first, second in near)
    return _built(molecule, BondOrders(single, (0,) * len(molecule))), False


def _sought(molecule: Molecule) -> BondOrders | None:
    bare = _built(molecule, BondOrders((), (0,) * len(molecule)), implicit=True)
    with rdBase.BlockLogs():
        try:
            rdDetermineBonds.DetermineBonds(
                bare, charge=molecule.total_charge, maxIterations=_SEARCHES, embedChiral=False
            )
        except (ValueError, RuntimeError, Chem.MolSanitizeException):
            return None
    return BondOrders.of(bare)


def _built(molecule: Molecule, orders: BondOrders, *, implicit: bool = False) -> Chem.Mol:
    built = Chem.RWMol()
    for number, charge in zip(molecule.atomic_numbers.tolist(), orders.formal_charges, strict=True):
        atom = Chem.Atom(number)
        atom.SetFormalCharge(charge)
        atom.SetNoImplicit(not implicit)
        built.AddAtom(atom)
    for first, second, order in orders.bonds:
        built.AddBond(first, second, _BOND_TYPES.get(order, Chem.BondType.SINGLE))
    built.AddConformer(_conformer(molecule.positions * BOHR_IN_ANGSTROM), assignId=True)
    return built.GetMol()


def _conformer(positions: npt.NDArray[np.float64]) -> Chem.Conformer:
    conformer = Chem.Conformer(len(positions))
    conformer.Set3D(True)
    for atom, (x, y, z) in enumerate(positions.tolist()):
        conformer.SetAtomPosition(atom, Point3D(x, y, z))
    return conformer

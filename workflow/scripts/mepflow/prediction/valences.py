"""Atoms with more or fewer bonds than a neutral atom: what a file without charges looks like."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from rdkit import Chem, rdBase

# RDKit's annotation hides that a problem of a valence knows its atom.
_problems_of: Final[Callable[[Chem.Mol], Any]] = Chem.DetectChemistryProblems
_CHARGE_OF_BONDS: Final = {
    ("N", 4): 1, ("P", 4): 1, ("O", 3): 1, ("S", 3): 1, ("B", 4): -1,
    ("Cl", 2): 1, ("Br", 2): 1, ("I", 2): 1,
}  # fmt: skip
"""Formal charge that the bonds of an atom (sum of their orders) speak of."""
_MOST_NAMED: Final = 6


@dataclass(frozen=True)
class Valences:
    """Whether the bonds of a structure fit its formal charges.

    ``problem`` is a sentence about those that do not, or empty; ``total_charge`` in e is the one
    that the bonds speak of, None where no charge mends the problem.
    """

    problem: str
    total_charge: int | None


def valences_of(molecule: Chem.Mol) -> Valences:
    """Return the valences of a molecule without sanitisation, with explicit hydrogen atoms."""
    with rdBase.BlockLogs():
        found = [p for p in _problems_of(molecule) if p.GetType() == "AtomValenceException"]
    crowded = [molecule.GetAtomWithIdx(problem.GetAtomIdx()) for problem in found]
    lacking = [atom for atom in molecule.GetAtoms() if atom.GetTotalNumHs()]
    missing = sum(atom.GetTotalNumHs() for atom in lacking)
    charges = [_CHARGE_OF_BONDS.get((atom.GetSymbol(), _order(atom))) for atom in crowded]
    total = None
    if None not in charges:
        total = Chem.GetFormalCharge(molecule) + sum(c for c in charges if c is not None) - missing
    if not crowded and not lacking:
        return Valences("", total)
    pieces = []
    if crowded:
        pieces.append(f"{_list([_bonds(atom) for atom in crowded])} without a formal charge")
    if lacking:
        names = _list([_name(atom) for atom in lacking])
        pieces.append(f"lacks {missing} hydrogen atoms (at {names})")
    return Valences("; ".join(pieces), total)


def _name(atom: Chem.Atom) -> str:
    return f"{atom.GetSymbol()}{atom.GetIdx() + 1}"


def _bonds(atom: Chem.Atom) -> str:
    return f"{_name(atom)} has {_order(atom)} bonds"


def _order(atom: Chem.Atom) -> int:
    return round(float(sum(bond.GetBondTypeAsDouble() for bond in atom.GetBonds())))


def _list(names: list[str]) -> str:
    shown = names[:_MOST_NAMED]
    if len(names) > _MOST_NAMED:
        return f"{', '.join(shown)} and {len(names) - _MOST_NAMED} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]

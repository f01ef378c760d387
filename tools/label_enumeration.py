"""Every molecule that the rules give: cores with substituents, filtered, without duplicates."""

import functools
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from label_filters import is_stable, protons_are_in_place
from label_rules import CORES, SUBSTITUENTS
from rdkit import Chem

from mepflow.selection.identity import canonical_smiles

ELEMENTS: Final = ("H", "C", "N", "O", "F", "P", "S", "Cl", "Br")
HEAVY_ATOMS: Final = range(2, 10)
MOST_FILLED_SITES: Final = 3
DRAWS_PER_CORE: Final = 400
"""So many fillings with two or more substituents are drawn at most from one core."""
_FIRST_CLOSURE: Final = 90
_SIZE_DAMPING: Final = 0.35
"""Drawn substituents are rarer by e to this for each character more: large ones seldom fit."""
_ATOM: Final = re.compile(r"\[[^]]*\]|Cl|Br|[CNOPSFcnops]")

Filling = tuple[str | None, ...]


@dataclass(frozen=True)
class Candidate:
    """Canonical SMILES without stereochemistry, and the family of cores that gave it."""

    smiles: str
    family: str


def enumerate_candidates() -> list[Candidate]:
    """Return every molecule of the rules that passes the filters, once, in order of the rules."""
    families: dict[str, str] = {}
    for family, cores in CORES.items():
        for core in cores.split():
            for filling in fillings(core):
                smiles = _canonical(core, filling)
                if smiles is not None:
                    families.setdefault(smiles, family)
    return [Candidate(smiles, family) for smiles, family in families.items() if accepted(smiles)]


def _canonical(core: str, filling: Filling) -> str | None:
    """Return the canonical SMILES of a filled core; None where it is too large or no molecule."""
    pieces = [core, *(one for one in filling if one is not None)]
    if sum(map(_heavy_atoms, pieces)) > HEAVY_ATOMS[-1]:
        return None
    return canonical_smiles(combine(core, filling))


@functools.cache
def _heavy_atoms(template: str) -> int:
    return len(_ATOM.findall(template))


def combine(core: str, filling: Filling) -> str:
    """Return SMILES of a core with a substituent, or none, at each site, by ring closures."""
    closures = itertools.count(_FIRST_CLOSURE)
    parts, attached, remaining = [], [], iter(filling)
    for character in core:
        if character not in "*!":
            parts.append(character)
            continue
        substituent = next(remaining)
        if substituent is not None:
            closure = f"%{next(closures)}"
            parts.append(closure)
            attached.append(substituent.replace("*", closure))
    return ".".join(["".join(parts), *attached])


def fillings(core: str) -> Iterator[Filling]:
    """Yield the fillings of a core's sites: all with at most one substituent, some with more."""
    required = [site == "!" for site in core if site in "*!"]
    substituents = SUBSTITUENTS.split()
    most = max(MOST_FILLED_SITES, sum(required))
    for filled in itertools.product((False, True), repeat=len(required)):
        lacks = any(need and not full for need, full in zip(required, filled, strict=True))
        if not lacks and sum(filled) <= 1:
            for one in substituents if any(filled) else [None]:
                yield tuple(one if full else None for full in filled)
    generator = np.random.default_rng(list(core.encode()))
    weights = np.exp([-_SIZE_DAMPING * len(text) for text in substituents])
    for _ in range(DRAWS_PER_CORE if len(required) > 1 else 0):
        drawn = generator.choice(len(substituents), len(required), p=weights / weights.sum())
        empty = generator.random(len(required)) < 1 / 3
        filling = tuple(
            substituents[k] if need or not is_empty else None
            for k, need, is_empty in zip(drawn, required, empty, strict=True)
        )
        if 2 <= sum(one is not None for one in filling) <= most:
            yield filling


def accepted(smiles: str) -> bool:
    """Tell whether a molecule passes every filter: size, elements, charges, stability."""
    molecule = Chem.MolFromSmiles(smiles)
    if molecule.GetNumHeavyAtoms() not in HEAVY_ATOMS:
        return False
    symbols = {atom.GetSymbol() for atom in molecule.GetAtoms()}
    if "C" not in symbols or not symbols <= set(ELEMENTS):
        return False
    if any(atom.GetNumRadicalElectrons() for atom in molecule.GetAtoms()):
        return False
    if abs(Chem.GetFormalCharge(molecule)) > 1 or not one_ionic_group_of_each_sign(molecule):
        return False
    return is_stable(molecule) and protons_are_in_place(molecule)


def one_ionic_group_of_each_sign(molecule: Chem.Mol) -> bool:
    """Tell whether charges that no neighbour cancels are at most one of each sign."""
    signs = [
        atom.GetFormalCharge()
        for atom in molecule.GetAtoms()
        if atom.GetFormalCharge()
        and all(n.GetFormalCharge() * atom.GetFormalCharge() >= 0 for n in atom.GetNeighbors())
    ]
    return all(signs.count(sign) <= 1 for sign in (-1, 1))

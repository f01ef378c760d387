"""Several conformers of a SMILES, with Boltzmann weights by a force field.

They are made by ETKDG with a fixed seed and relaxed with MMFF94s (UFF where that has no
parameters), as :mod:`mepflow.prediction.rdkit_records` makes one; those that became the same are
kept once. The weight of a conformer is exp(−E/RT) of its energy in vacuum at 298.15 K, over the sum
of those found: a guess, as good as the force field, and of as many conformers as were asked for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, Final

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers, rdMolAlign

from mepflow.errors import InputError
from mepflow.prediction.input_records import Conformer, Entry, Record
from mepflow.prediction.rdkit_records import (
    RELAXATION_STEPS,
    SEED,
    TIMEOUT_SECONDS,
    buildable,
    record_of,
    statement_of,
)
from mepflow.prediction.text_files import shown
from mepflow.units import HARTREE_PER_E_IN_KCAL_PER_MOL_E, KELVIN_IN_HARTREE

MOST_CONFORMERS: Final = 100
TEMPERATURE_K: Final = 298.15
_THERMAL_KCAL_PER_MOL: Final = TEMPERATURE_K * KELVIN_IN_HARTREE * HARTREE_PER_E_IN_KCAL_PER_MOL_E
_SAME_ANGSTROM: Final = 0.1
_SAME_ENERGY: Final = 0.05
"""Conformers that differ by less in both are one: heavy atoms in the root mean square, kcal/mol."""


@dataclass(frozen=True)
class _Relaxed:
    """A molecule with its conformers' numbers and energies in kcal/mol, the lowest first."""

    molecule: Chem.Mol
    numbers: Sequence[int]
    energies: Sequence[float]
    force_field: str


def conformer_entries(smiles: str, place: str, title: str, count: int) -> Iterator[Entry]:
    """Yield up to ``count`` conformers of a SMILES; one entry with the reason where it has none."""
    try:
        records = conformers_of(smiles, place, title, count)
    except InputError as error:
        yield Entry.bad(place, error)
        return
    for record in records:
        yield Entry(place, partial(replace, record))


def conformer_entries_of_file(text: str, source: str, count: int) -> Iterator[Entry]:
    """Yield the conformers of each line of a file of SMILES with names."""
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split(maxsplit=1)
        if words:
            title = "".join(words[1:]).strip()
            yield from conformer_entries(words[0], f"{source}, line {number}", title, count)


@lru_cache(maxsize=256)
def conformers_of(smiles: str, place: str, title: str, count: int) -> tuple[Record, ...]:
    """Return up to ``count`` conformers of a SMILES, the most stable first.

    Raises :class:`InputError` as :func:`~mepflow.prediction.rdkit_records.from_smiles` does.
    """
    with rdBase.BlockLogs():
        molecule = Chem.AddHs(buildable(smiles, place))
        relaxed = _relaxed(molecule, count)
    if relaxed is None:
        raise InputError(
            f"{place}: RDKit finds no geometry for {shown(smiles)}: give a structure file."
        )
    weights = boltzmann_weights(relaxed.energies)
    stated, plain = statement_of(molecule), Chem.MolToSmiles(Chem.RemoveHs(molecule))
    name = title or smiles
    records = []
    for place_in_order, (number, energy, weight) in enumerate(
        zip(relaxed.numbers, relaxed.energies, weights, strict=True), 1
    ):
        own = Chem.Mol(relaxed.molecule, False, number)
        conformer = Conformer(
            name, place_in_order, relaxed.force_field, energy - relaxed.energies[0], weight
        )
        title_of_own = f"{name}-conformer-{place_in_order}"
        record = record_of(place, title_of_own, own, stated, plain)
        records.append(replace(record, conformer=conformer))
    return tuple(records)


def boltzmann_weights(energies: Sequence[float]) -> list[float]:
    """Return the weights (n,) of energies (n,) in kcal/mol at :data:`TEMPERATURE_K`."""
    above = np.asarray(energies) - min(energies)
    weights = np.exp(-above / _THERMAL_KCAL_PER_MOL)
    return [float(weight) for weight in weights / weights.sum()]


def _relaxed(molecule: Chem.Mol, count: int) -> _Relaxed | None:
    parameters: Any = rdDistGeom.ETKDGv3()
    parameters.randomSeed = SEED
    parameters.timeout = TIMEOUT_SECONDS
    made = list(rdDistGeom.EmbedMultipleConfs(molecule, count, parameters))
    if not made:
        return None
    relax: Any = rdForceFieldHelpers.UFFOptimizeMoleculeConfs
    name, more = "UFF", {}
    if rdForceFieldHelpers.MMFFHasAllMoleculeParams(molecule):
        relax, more = rdForceFieldHelpers.MMFFOptimizeMoleculeConfs, {"mmffVariant": "MMFF94s"}
        name = "MMFF94s"
    energies = [energy for _, energy in relax(molecule, maxIters=RELAXATION_STEPS, **more)]
    order = sorted(range(len(made)), key=lambda place: energies[place])
    kept = _different(molecule, [(made[place], energies[place]) for place in order])
    numbers, own = zip(*kept, strict=True)
    return _Relaxed(molecule, numbers, own, name)


def _different(
    molecule: Chem.Mol, conformers: Sequence[tuple[int, float]]
) -> list[tuple[int, float]]:
    """Return the conformers, by number and energy, that are not the same as one before."""
    bare = Chem.RemoveHs(molecule)
    kept: list[tuple[int, float]] = []
    for number, energy in conformers:
        near = [other for other, its in kept if energy - its < _SAME_ENERGY]
        # A copy each: to compare, RDKit turns the one onto the other.
        distances = (
            rdMolAlign.GetBestRMS(Chem.Mol(bare), Chem.Mol(bare), number, other) for other in near
        )
        if not any(distance < _SAME_ANGSTROM for distance in distances):
            kept.append((number, energy))
    return kept

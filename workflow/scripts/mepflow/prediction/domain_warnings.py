"""Whether a molecule is one that the models can speak of: refused, or with a warning, or well."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from ase.data import chemical_symbols

from mepflow.errors import InputError
from mepflow.models.domain import TrainingDomain
from mepflow.molecules import Molecule
from mepflow.prediction.charged_groups import (
    ChargedGroup,
    Neighbours,
    charged_groups,
    is_zwitterion,
    n_fragments,
    neighbours_of,
)
from mepflow.prediction.model_set import ModelSet
from mepflow.prediction.structures import Structure
from mepflow.storage.shipped_files import ORGANIC_ELEMENTS

PERIODIC: Final = (
    "it lies in a periodic cell, which is ignored: the prediction is of the atoms alone"
)
RARE: Final = 20
"""An element is rare where fewer of the training molecules hold it."""


def refuse_unknown_elements(molecule: Molecule, place: str, ensemble: ModelSet) -> None:
    """Raise :class:`InputError` for a molecule with an element that a model does not know."""
    unknown = sorted(set(molecule.atomic_numbers.tolist()) - set(ensemble.elements))
    if unknown:
        raise InputError(
            f"{place} contains {_symbols(unknown)}, which the model {ensemble.name} has never seen "
            f"(it knows {_symbols(ensemble.elements)}): leave it out, {_remedy(unknown)}."
        )


def _remedy(unknown: Sequence[int]) -> str:
    """Return where elements are known that a model does not know."""
    if {chemical_symbols[number] for number in unknown} <= set(ORGANIC_ELEMENTS):
        return "take the models that know it (--model organic), or train with that element"
    return "or train with that element"


def warnings_about(structures: Sequence[Structure], ensemble: ModelSet) -> list[tuple[str, ...]]:
    """Return what makes predictions doubtful, for each structure.

    They are sentences without the molecule's name.
    """
    neighbours = neighbours_of([structure.molecule for structure in structures])
    return [_about(*one, ensemble) for one in zip(structures, neighbours, strict=True)]


def _about(structure: Structure, neighbours: Neighbours, ensemble: ModelSet) -> tuple[str, ...]:
    molecule = structure.molecule
    found = [*_of_the_molecule(molecule, neighbours), *_of_the_input(structure)]
    groups = charged_groups(molecule, neighbours)
    if structure.charge_source == "assumed":
        found += _of_an_assumed_charge(groups)
    for domain in ensemble.domains:
        found += _outside(molecule, groups, domain)
    return tuple(dict.fromkeys(found))


def _of_the_input(structure: Structure) -> Iterator[str]:
    yield from structure.notes
    multiplicity = structure.multiplicity
    electrons = n_electrons(structure.molecule)
    if multiplicity is not None and (electrons + multiplicity) % 2 == 0:
        yield (
            f"its input states a multiplicity of {multiplicity}, which {electrons} electrons "
            "cannot have: check charge and spin"
        )
    elif multiplicity not in (None, 1):
        yield (
            f"its input states a multiplicity of {multiplicity}: models know closed shells only, "
            "so the prediction is of another state"
        )


def _of_an_assumed_charge(groups: Sequence[ChargedGroup]) -> Iterator[str]:
    total = sum(group.charge for group in groups)
    if total:
        names = _names(groups)
        yield f"no total charge is stated and 0 was assumed, but {names} would make it {total:+d}"


def _names(groups: Sequence[ChargedGroup]) -> str:
    counts = Counter(group.name for group in groups)
    return " and ".join(
        f"{n} {name} groups" if n > 1 else f"{_article(name)} {name} group"
        for name, n in counts.items()
    )


def _article(name: str) -> str:
    return "an" if name[0] in "aeiou" else "a"


def _of_the_molecule(molecule: Molecule, neighbours: Neighbours) -> Iterator[str]:
    if n_electrons(molecule) % 2:
        yield (
            f"with a total charge of {molecule.total_charge} it has an odd number of electrons: "
            "models know closed shells only, so check the charge"
        )
    fragments = n_fragments(neighbours)
    if fragments > 1:
        yield (
            f"it has {fragments} fragments that no bond joins: models know single molecules, and "
            "only their charges' sum is fixed"
        )


def _outside(
    molecule: Molecule, groups: Sequence[ChargedGroup], domain: TrainingDomain
) -> Iterator[str]:
    fewest, most = domain.atoms
    if not fewest <= len(molecule) <= most:
        yield (
            f"it has {len(molecule)} atoms, the training molecules had {fewest} to {most}: "
            "the result is an extrapolation"
        )
    if molecule.total_charge not in domain.total_charges:
        charges = ", ".join(f"{charge:+d}" if charge else "0" for charge in domain.total_charges)
        yield (
            f"its total charge is {molecule.total_charge:+d}, those of the training molecules were "
            f"{charges}: the result is an extrapolation"
        )
    if is_zwitterion(groups) and set(domain.total_charges) == {0}:
        yield (
            f"it is a zwitterion with {_names(groups)}, and the training molecules had no charged "
            "groups: the result is an extrapolation"
        )
    for number in sorted(set(molecule.atomic_numbers.tolist())):
        holders = domain.elements.get(number, 0)
        if holders < RARE:
            yield (
                f"only {holders} of the {domain.molecules} training molecules held "
                f"{chemical_symbols[number]}"
            )


def n_electrons(molecule: Molecule) -> int:
    """Return the number of electrons of a molecule."""
    return int(molecule.atomic_numbers.astype(int).sum()) - molecule.total_charge


def _symbols(numbers: Sequence[int]) -> str:
    return ", ".join(chemical_symbols[number] for number in numbers)

"""Nested parts of a training set, for learning curves.

The training molecules stand in an order that depends on their names and a seed alone: first, for
every element, the molecule that is the first of its rank with it, so that each part knows the
elements of the whole; then all others by rank. A part is the beginning of this order, so a smaller
one lies within a larger one. Conformers of a molecule stay together, unless structures are drawn.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

import pandas as pd

from mepflow.errors import InputError
from mepflow.molecules import MoleculeTable
from mepflow.selection.splits import TRAIN, UNUSED, rank, read_splits, write_splits

_PURPOSE: Final = "learning-curve"


def thin_training_set(
    candidates: Path,
    splits: Path,
    fraction: float,
    seed: int,
    output: Path,
    *,
    by_structure: bool = False,
) -> None:
    """Write the splits of the candidates with a part of the training molecules alone.

    With ``by_structure`` every structure counts as a molecule.
    Raises what :func:`training_part` and :func:`mepflow.selection.splits.read_splits` raise.
    """
    table = MoleculeTable.load(candidates)
    molecules = table.ids if by_structure else table.texts.get("molecule", table.ids)
    elements = {
        key: set(table.atomic_numbers[table.atoms(row)].tolist())
        for row, key in enumerate(table.ids)
    }
    molecule_of = dict(zip(table.ids, molecules, strict=True))
    whole = read_splits(splits, table.ids)
    write_splits(training_part(whole, fraction, seed, molecule_of, elements), output)


def training_part(
    splits: pd.DataFrame,
    fraction: float,
    seed: int,
    molecule_of: Mapping[str, str],
    elements_of: Mapping[str, Collection[int]],
) -> pd.DataFrame:
    """Return ``splits`` with all but ``fraction`` of the training molecules marked as unused.

    ``molecule_of`` names the molecule of each id, ``elements_of`` holds its atomic numbers. Raises
    :class:`InputError` where the part is no smaller than what all elements need.
    """
    training = list(splits.loc[splits["split"] == TRAIN, "id"])
    elements: dict[str, set[int]] = {}
    for key in training:
        elements.setdefault(molecule_of[key], set()).update(elements_of[key])
    ordered, needed = _order(elements, seed)
    count = int(fraction * len(ordered) + 0.5)
    if count < needed:
        raise InputError(
            f"{fraction:g} of {len(ordered)} training molecules are {count}, fewer than the "
            f"{needed} that hold all elements: raise learning_curve.fractions."
        )
    used = set(ordered[:count])
    part = splits.copy()
    left_out = [key for key in training if molecule_of[key] not in used]
    part.loc[part["id"].isin(left_out), "split"] = UNUSED
    return part


def _order(elements: Mapping[str, set[int]], seed: int) -> tuple[list[str], int]:
    """Return the molecules in their order, and how many of the first hold all elements."""
    ranked = sorted(elements, key=lambda name: rank(seed, _PURPOSE, name))
    known: set[int] = set()
    first: dict[str, None] = {}
    for name in ranked:
        if not elements[name] <= known:
            first[name] = None
            known |= elements[name]
    return [*first, *(name for name in ranked if name not in first)], len(first)

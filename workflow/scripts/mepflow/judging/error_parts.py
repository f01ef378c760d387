"""Where rows of a judgement are wrong: by distance, nearest element, kind and size of molecule.

Distances and elements are those of :mod:`mepflow.evaluation.breakdown`: of a point from the nearest
van der Waals sphere, over the points of all grids that are judged on; the element of that sphere,
over those of the first grid. Kinds and sizes are of whole molecules, on the first grid too.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from mepflow.electrostatics.penetration import Widths
from mepflow.evaluation.breakdown import (
    DISTANCE,
    ELEMENT,
    Part,
    distance_parts,
    element_parts,
    surface_distances,
)
from mepflow.judging.judged_terms import JudgedTerms, values_of
from mepflow.judging.structure_errors import KINDS, RMSE
from mepflow.molecules import MoleculeTable
from mepflow.units import HARTREE_PER_E_IN_KCAL_PER_MOL_E

KIND: Final = "kind"
SIZE: Final = "heavy atoms"
SIZES: Final = ((1, 4), (5, 6), (7, 9), (10, 14), (15, 1000))
"""Smallest and largest number of heavy atoms of a part."""


def error_parts(
    rows: Mapping[str, Mapping[int, JudgedTerms]],
    reference: MoleculeTable,
    grids: Sequence[str],
    widths: Mapping[str, Widths],
    judged: pd.DataFrame,
) -> pd.DataFrame:
    """Return the RMSE of each row, structure and part: name, id, molecule, by, part, order, RMSE.

    ``judged`` are the errors on the first of the ``grids`` that count, of
    :class:`~mepflow.judging.judgement.Judgement`.
    """
    known = {key: row for row, key in enumerate(reference.ids)}
    found = []
    for key, own in judged.groupby("id", sort=False):
        row = known[str(key)]
        points, values = zip(*(reference.grids[grid].of(row) for grid in grids), strict=True)
        everywhere, true = np.concatenate(points), np.concatenate(values)
        molecule = reference.molecule(row)
        away, atoms = surface_distances(everywhere, molecule.atomic_numbers, molecule.positions)
        first = np.arange(len(values[0]))
        parts = [
            *distance_parts(away),
            *element_parts(first, molecule.atomic_numbers[atoms[first]]),
        ]
        for name in own["name"]:
            terms = rows[name][row]
            errors = values_of(terms, molecule, everywhere, widths.get(name)) - true
            found += [(name, key, *_measured(part, errors)) for part in parts]
    frame = pd.DataFrame(found, columns=["name", "id", "by", "part", "order", RMSE])
    whole = pd.DataFrame(list(_of_molecules(judged)), columns=list(frame.columns))
    everything = pd.concat([frame, whole], ignore_index=True)
    return everything.merge(judged[["name", "id", "molecule"]], on=["name", "id"])


def _measured(part: Part, errors: np.ndarray) -> tuple[str, str, float, float]:
    rmse = float(np.sqrt(np.mean(errors[part.points] ** 2)))
    return part.by, part.name, part.order, rmse * HARTREE_PER_E_IN_KCAL_PER_MOL_E


def _of_molecules(judged: pd.DataFrame) -> Iterator[tuple[str, str, str, str, float, float]]:
    columns = ["name", "id", "kind", "heavy_atoms", RMSE]
    for name, key, kind, heavy, rmse in judged[columns].itertuples(index=False):
        yield name, key, KIND, kind, float(KINDS.index(kind)), rmse
        low, high = next(ends for ends in SIZES if ends[0] <= heavy <= ends[1])
        text = f"{low} to {high}" if high < SIZES[-1][1] else f"{low} or more"
        yield name, key, SIZE, text, float(low), rmse


def medians_of_parts(parts: pd.DataFrame, by: str) -> tuple[pd.DataFrame, list[int]]:
    """Return the medians over structures, a row per name and a column per part, in their order.

    And how many molecules each part has.
    """
    chosen = parts[parts["by"] == by].sort_values("order", kind="stable")
    counts = chosen.groupby("part")["molecule"].nunique()
    order = list(dict.fromkeys(chosen["part"]))
    table = chosen.pivot_table(index="name", columns="part", values=RMSE, aggfunc="median")
    return table[order], [int(counts[part]) for part in order]


BY: Final = (DISTANCE, ELEMENT, KIND, SIZE)
"""What parts are told by."""

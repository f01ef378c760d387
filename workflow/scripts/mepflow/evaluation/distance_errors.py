"""Errors of the MEP by distance from the van der Waals surface, without and with penetration."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from mepflow.electrostatics.penetration import Widths
from mepflow.evaluation.breakdown import Part, distance_parts, surface_distances
from mepflow.evaluation.mep_errors import WITH_PENETRATION
from mepflow.evaluation.source_potentials import SourcePotentials
from mepflow.evaluation.sources import Source
from mepflow.geometry.stored_grids import metric_grids
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.units import HARTREE_PER_E_IN_KCAL_PER_MOL_E

FloatArray = npt.NDArray[np.float64]

ALONE: Final = "rmse_kcal_per_mol_e"
REFERENCE: Final = "reference_rms_kcal_per_mol_e"
COLUMNS: Final = (
    "name",
    "seed",
    "id",
    "molecule",
    "part",
    "order",
    "n_points",
    ALONE,
    WITH_PENETRATION,
    REFERENCE,
)
"""A row per representation, seed, structure and bin of distances; ``order`` is its middle in Å."""


def distance_errors(
    sources: Sequence[Source], reference: Path, widths: Widths | None
) -> pd.DataFrame:
    """Return the errors of predictions files with the columns :data:`COLUMNS`.

    Over the points of all grids that errors are measured on. The distance of a point is that to
    the nearest van der Waals sphere (Bondi's radii); bins as in
    :func:`mepflow.evaluation.breakdown.distance_parts`. ``widths`` of shells in bohr by element:
    the error with penetration is nan for a structure that has an element without one.

    Raises :class:`~mepflow.errors.InputError` where a file is missing or about other molecules than
    the reference.
    """
    table = MoleculeTable.load(reference)
    rows = []
    for source in sources:
        found = SourcePotentials(source, table, widths)
        seed = -1 if source.seed is None else source.seed
        for structure in found.structures():
            points, values, parts = _points(found.reference, structure.row, structure.molecule)
            errors = [
                None if predicted is None else predicted - values
                for predicted in found.at(structure, points)
            ]
            head = (source.name, seed, structure.molecule.id, structure.name)
            rows += [
                (*head, part.name, part.order, len(part.points), *_sizes(part, [*errors, values]))
                for part in parts
            ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _sizes(part: Part, values: Sequence[FloatArray | None]) -> list[float]:
    """Return the root mean squares over the points of a part, in kcal/mol/e; nan for None."""
    return [
        float("nan")
        if one is None
        else float(np.sqrt(np.mean(one[part.points] ** 2))) * HARTREE_PER_E_IN_KCAL_PER_MOL_E
        for one in values
    ]


def _points(
    table: MoleculeTable, row: int, molecule: Molecule
) -> tuple[FloatArray, FloatArray, list[Part]]:
    """Return the points of all grids, the reference there, and the bins of distances."""
    on_grids = [table.grids[grid].of(row) for grid in metric_grids(table)]
    points, values = (np.concatenate(parts) for parts in zip(*on_grids, strict=True))
    distances, _ = surface_distances(points, molecule.atomic_numbers, molecule.positions)
    return points, values, distance_parts(distances)

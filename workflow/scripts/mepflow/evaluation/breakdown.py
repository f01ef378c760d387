"""Where the MEP is wrong: by distance from the surface, by nearest element, by kind of molecule.

The distance of a point is that to the nearest van der Waals sphere (Bondi's radii, positive
outside), and its nearest element that of this sphere. Distances are counted over the points of all
grids that errors are measured on, elements and kinds of molecules over those of the headline grid.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from mepflow.elements import symbol
from mepflow.evaluation.groups import GROUPS, groups_of
from mepflow.evaluation.mep_errors import predicted_potential
from mepflow.evaluation.predictions_file import (
    load_predictions,
    matched_reference,
    molecule_names,
)
from mepflow.evaluation.sources import Source
from mepflow.geometry.radii import bondi_radii
from mepflow.geometry.stored_grids import metric_grids
from mepflow.molecules import MoleculeTable
from mepflow.units import BOHR_IN_ANGSTROM, HARTREE_PER_E_IN_KCAL_PER_MOL_E

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

DISTANCE: Final = "distance"
ELEMENT: Final = "element"
GROUP: Final = "group"
BIN_ANGSTROM: Final = 0.25
"""Width of a bin of distances."""
SINGLE_VALUES: Final = "rmse_of_molecules_kcal_per_mol_e"
"""Column of the table: the errors of single molecules, one after another, where they are few."""
COLUMNS: Final = (
    "name",
    "seed",
    "id",
    "molecule",
    "by",
    "part",
    "order",
    "n_points",
    "rmse_kcal_per_mol_e",
    "reference_rms_kcal_per_mol_e",
)
"""A row per representation, seed, structure and part; ``order`` sorts the parts: the middle of a
bin in Å, the atomic number, the place in :data:`mepflow.evaluation.groups.GROUPS`."""


@dataclass(frozen=True)
class Part:
    """Some points of a molecule: by what they were chosen, as what, and which (k,)."""

    by: str
    name: str
    order: float
    points: IntArray


@dataclass(frozen=True)
class _Points:
    """The points (p, 3) of a molecule in bohr, the MEP (p,) there in hartree/e, and their parts."""

    points: FloatArray
    reference: FloatArray
    parts: list[Part]


def breakdown(sources: Sequence[Source], reference: Path, headline_grid: str) -> pd.DataFrame:
    """Return the errors of predictions files with the columns :data:`COLUMNS`.

    Raises :class:`InputError` where a file is missing or about other molecules than the reference.
    """
    table = MoleculeTable.load(reference)
    known: dict[str, _Points] = {}
    rows = []
    for source in sources:
        predicted = load_predictions(source.path)
        matched = matched_reference(predicted, table, source.path)
        names = molecule_names(matched)
        for index, key in enumerate(predicted.ids):
            if key not in known:
                known[key] = _points(matched, index, headline_grid)
            errors = predicted_potential(predicted, index, known[key].points) - known[key].reference
            seed = -1 if source.seed is None else source.seed
            rows += [
                (
                    source.name,
                    seed,
                    key,
                    names[index],
                    *_measured(part, errors, known[key].reference),
                )
                for part in known[key].parts
            ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _measured(
    part: Part, errors: FloatArray, reference: FloatArray
) -> tuple[str, str, float, int, float, float]:
    rmse, size = (
        float(np.sqrt(np.mean(values[part.points] ** 2))) * HARTREE_PER_E_IN_KCAL_PER_MOL_E
        for values in (errors, reference)
    )
    return part.by, part.name, part.order, len(part.points), rmse, size


def _points(table: MoleculeTable, index: int, headline_grid: str) -> _Points:
    grids = metric_grids(table)
    points, values = zip(*(table.grids[grid].of(index) for grid in grids), strict=True)
    on_headline = np.repeat([grid == headline_grid for grid in grids], list(map(len, values)))
    molecule = table.molecule(index)
    everywhere = np.concatenate(points)
    distances, atoms = surface_distances(everywhere, molecule.atomic_numbers, molecule.positions)
    parts = distance_parts(distances)
    headline = np.flatnonzero(on_headline)
    parts += element_parts(headline, molecule.atomic_numbers[atoms[headline]])
    if len(headline):
        parts += [
            Part(GROUP, name, float(GROUPS.index(name)), headline)
            for name in groups_of(molecule.smiles)
        ]
    return _Points(everywhere, np.concatenate(values), parts)


def surface_distances(
    points: FloatArray, atomic_numbers: npt.NDArray[np.uint8], positions: FloatArray
) -> tuple[FloatArray, IntArray]:
    """Return the distance (p,) of points (p, 3) to the nearest van der Waals sphere, and its atom.

    In bohr, negative inside; the atoms (p,) are indices of ``positions`` (n, 3).
    """
    distances = np.linalg.norm(points[:, None] - positions[None], axis=-1)
    distances -= bondi_radii(atomic_numbers)
    atoms = np.argmin(distances, axis=1)
    return distances[np.arange(len(points)), atoms], atoms


def distance_parts(distances: FloatArray) -> list[Part]:
    """Return the points by their distances (p,) in bohr from the surface; none is inside it."""
    bins = np.floor(distances * BOHR_IN_ANGSTROM / BIN_ANGSTROM).astype(np.int64).clip(0)
    return [
        Part(
            DISTANCE,
            f"{BIN_ANGSTROM * k:.2f} to {BIN_ANGSTROM * (k + 1):.2f} Å",
            BIN_ANGSTROM * (k + 0.5),
            np.flatnonzero(bins == k),
        )
        for k in np.unique(bins).tolist()
    ]


def element_parts(points: IntArray, nearest: npt.NDArray[np.uint8]) -> list[Part]:
    """Return ``points`` (k,) by the atomic numbers (k,) of the atoms nearest to them."""
    return [
        Part(ELEMENT, symbol(number), float(number), points[nearest == number])
        for number in np.unique(nearest).tolist()
    ]

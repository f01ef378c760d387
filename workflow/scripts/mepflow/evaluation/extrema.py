r"""Extrema and statistics of the MEP on the innermost Merz-Kollman shell, 1.4 Bondi radii.

Of the values V at a molecule's points there: the largest and the smallest one, V_max and V_min; the
means of the positive and of the negative ones; and of the general interaction properties function
(J. S. Murray, P. Politzer et al., J. Mol. Struct. THEOCHEM 307, 55 (1994)) the average deviation
and the total variance,

.. math::
    \Pi = \frac1p \sum |V - \bar V|, \qquad
    \sigma^2_\text{tot} = \sigma^2_+ + \sigma^2_-

with the variances of the positive and of the negative values about their own means. All points have
the same weight: the shell's spheres have the same density of points. The surface is one of spheres,
not that of a constant electron density, which others use: values are not comparable with theirs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from mepflow.electrostatics.penetration import Widths
from mepflow.errors import InputError
from mepflow.evaluation.source_potentials import SourcePotentials
from mepflow.evaluation.sources import Source
from mepflow.geometry.radii import bondi_radii
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.units import HARTREE_PER_E_IN_KCAL_PER_MOL_E

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

SHELL_TOLERANCE: Final = 1e-3
"""Part of a sphere's radius within which a point lies on it."""
COLUMNS: Final = ("name", "seed", "id", "molecule", "quantity", "reference", "predicted")
"""A row per representation, seed, structure and quantity, in the unit of the quantity."""


@dataclass(frozen=True)
class Quantity:
    """What is measured of the values on a surface: its symbol, what it is, and its unit."""

    symbol: str
    label: str
    unit: str


V_MIN: Final = "v_min"
QUANTITIES: Final[Mapping[str, Quantity]] = {
    "v_max": Quantity("V_max", "largest value", "kcal/mol/e"),
    V_MIN: Quantity("V_min", "smallest value", "kcal/mol/e"),
    "mean_positive": Quantity("V̄₊", "mean of the positive values", "kcal/mol/e"),
    "mean_negative": Quantity("V̄₋", "mean of the negative values", "kcal/mol/e"),
    "average_deviation": Quantity("Π", "average deviation", "kcal/mol/e"),
    "total_variance": Quantity("σ²_tot", "total variance", "(kcal/mol/e)²"),
}
"""Quantities by their names in files."""


def surface_statistics(values: FloatArray) -> dict[str, float]:
    """Return the :data:`QUANTITIES` of ``values`` (p,) on a surface, in their unit.

    The mean over a sign that no value has is nan, its variance 0.
    """
    positive, negative = values[values > 0.0], values[values < 0.0]
    return {
        "v_max": float(values.max()),
        V_MIN: float(values.min()),
        "mean_positive": float(positive.mean()) if len(positive) else float("nan"),
        "mean_negative": float(negative.mean()) if len(negative) else float("nan"),
        "average_deviation": float(np.mean(np.abs(values - values.mean()))),
        "total_variance": sum(float(part.var()) for part in (positive, negative) if len(part)),
    }


def innermost_scale(reference: MoleculeTable, grid: str) -> float:
    """Return the scale of the innermost shell of a grid, in Bondi radii.

    Raises :class:`InputError` where the reference does not hold it as a grid of shells.
    """
    row: Mapping[str, Any] = reference.metadata.get("grid_settings", {}).get(grid, {})
    if row.get("kind") != "shells" or grid not in reference.grids:
        raise InputError(f"the reference has no shells {grid!r}: choose a grid of the kind shells.")
    return float(min(row["scales"]))


def on_shell(points: FloatArray, molecule: Molecule, scale: float) -> BoolArray:
    """Return which of ``points`` (p, 3) in bohr lie on the spheres of ``scale`` Bondi radii."""
    distances = np.linalg.norm(points[:, None] - molecule.positions[None], axis=-1)
    nearest = (distances / bondi_radii(molecule.atomic_numbers)).min(axis=1)
    return np.asarray(np.abs(nearest / scale - 1.0) < SHELL_TOLERANCE)


def shell_statistics(
    sources: Sequence[Source], reference: Path, grid: str, widths: Widths | None
) -> pd.DataFrame:
    """Return the statistics of reference and predictions files with the columns :data:`COLUMNS`.

    On the innermost shell of ``grid``. Predictions are with penetration for structures all of whose
    elements have one of ``widths`` (bohr), and of the points alone for others.

    Raises :class:`InputError` where a file is missing or about other molecules than the reference,
    or the grid is not one of shells.
    """
    table = MoleculeTable.load(reference)
    scale = innermost_scale(table, grid)
    rows = []
    for source in sources:
        found = SourcePotentials(source, table, widths)
        seed = -1 if source.seed is None else source.seed
        for structure in found.structures():
            points, values = found.reference.grids[grid].of(structure.row)
            chosen = on_shell(points, structure.molecule, scale)
            if not chosen.any():
                continue
            alone, with_penetration = found.at(structure, points[chosen])
            predicted = _in_kcal(alone if with_penetration is None else with_penetration)
            true = _in_kcal(values[chosen])
            head = (source.name, seed, structure.molecule.id, structure.name)
            rows += [(*head, name, true[name], predicted[name]) for name in QUANTITIES]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _in_kcal(values: FloatArray) -> dict[str, float]:
    return surface_statistics(values * HARTREE_PER_E_IN_KCAL_PER_MOL_E)

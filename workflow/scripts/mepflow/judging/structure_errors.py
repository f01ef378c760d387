"""The errors of one row of a judgement, structure by structure, on one grid of a reference.

For each structure: RMSE, relative RMSE and R² of the potential, as in
:mod:`mepflow.evaluation.mep_errors`; the length of the error of the dipole and the RMSE of the six
components of Θ′, both about the centre of nuclear charge; the highest and lowest value of the
potential, V_max and V_min, beside the reference's. These are taken on the innermost shell of a grid
of shells, else on all of its points.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from mepflow.electrostatics.penetration import Widths
from mepflow.evaluation.extrema import innermost_scale, on_shell
from mepflow.evaluation.mep_errors import mep_errors
from mepflow.evaluation.predictions_file import molecule_names
from mepflow.judging.judged_terms import JudgedTerms, moments_of, values_of
from mepflow.molecules import MoleculeTable
from mepflow.multipoles import components
from mepflow.prediction.charged_groups import charged_groups, is_zwitterion, neighbours_of
from mepflow.units import E_BOHR_IN_DEBYE, HARTREE_PER_E_IN_KCAL_PER_MOL_E

FloatArray = npt.NDArray[np.float64]

RMSE: Final = "rmse_kcal_per_mol_e"
DIPOLE_ERROR: Final = "dipole_error_debye"
QUADRUPOLE_ERROR: Final = "theta_prime_rmse_e_bohr2"
EXTREMES: Final = ("v_max", "v_min")
KINDS: Final = ("neutral", "cation", "anion", "zwitterion")


def extreme_column(extreme: str, of: str) -> str:
    """Return the column of one of :data:`EXTREMES` of the ``reference`` or as ``predicted``."""
    return f"{extreme}_{of}_kcal_per_mol_e"


def structure_errors(
    name: str,
    terms: Mapping[int, JudgedTerms],
    reference: MoleculeTable,
    grid: str,
    widths: Widths | None = None,
) -> pd.DataFrame:
    """Return a row for each structure with terms, by its row of the reference, and points."""
    molecules, scale = molecule_names(reference), _scale(reference, grid)
    found = []
    for row, own in sorted(terms.items()):
        points, values = reference.grids[grid].of(row)
        if not len(values):
            continue
        molecule = reference.molecule(row)
        predicted = values_of(own, molecule, points, widths)
        on_surface = slice(None) if scale is None else on_shell(points, molecule, scale)
        found.append({
            "name": name, "id": molecule.id, "molecule": molecules[row],
            "kind": kind_of(reference, row), "total_charge": molecule.total_charge,
            "heavy_atoms": int(np.sum(molecule.atomic_numbers > 1)),
            **_of_potential(values, predicted),
            **_of_moments(own, reference, row),
            **_of_extremes(values[on_surface], predicted[on_surface]),
        })  # fmt: skip
    return pd.DataFrame(found)


def _scale(reference: MoleculeTable, grid: str) -> float | None:
    row = reference.metadata.get("grid_settings", {}).get(grid, {})
    return innermost_scale(reference, grid) if row.get("kind") == "shells" else None


def _of_potential(values: FloatArray, predicted: FloatArray) -> dict[str, float]:
    errors = mep_errors(values, predicted)
    return {
        RMSE: errors.rmse * HARTREE_PER_E_IN_KCAL_PER_MOL_E,
        "relative_rmse": errors.relative_rmse,
        "r2": errors.r2,
    }


def _of_moments(terms: JudgedTerms, reference: MoleculeTable, row: int) -> dict[str, float]:
    dipole, quadrupole = moments_of(terms, reference.molecule(row))
    away = np.linalg.norm(dipole - reference.property_of("dipole", row)) * E_BOHR_IN_DEBYE
    difference = components(quadrupole) - components(reference.property_of("quadrupole", row))
    return {
        DIPOLE_ERROR: float(away),
        QUADRUPOLE_ERROR: float(np.sqrt(np.mean(np.square(difference)))),
    }


def _of_extremes(values: FloatArray, predicted: FloatArray) -> dict[str, float]:
    return {
        extreme_column(extreme, of): float(ends(one)) * HARTREE_PER_E_IN_KCAL_PER_MOL_E
        for extreme, ends in zip(EXTREMES, (np.max, np.min), strict=True)
        for of, one in (("reference", values), ("predicted", predicted))
    }


def kind_of(reference: MoleculeTable, row: int) -> str:
    """Return which of :data:`KINDS` a structure is: as the reference says, else as it looks.

    Of neutral ones, a zwitterion has charged groups of both signs in its geometry.
    """
    stated = reference.texts.get("archive_subset")
    if stated is not None and stated[row] in KINDS:
        return stated[row]
    molecule = reference.molecule(row)
    if molecule.total_charge:
        return "cation" if molecule.total_charge > 0 else "anion"
    (neighbours,) = neighbours_of([molecule])
    return "zwitterion" if is_zwitterion(charged_groups(molecule, neighbours)) else "neutral"


def errors_of_rows(
    rows: Mapping[str, Mapping[int, JudgedTerms]],
    reference: MoleculeTable,
    grid: str,
    widths: Mapping[str, Widths],
) -> pd.DataFrame:
    """Return :func:`structure_errors` of all rows, one after the other."""
    frames = [
        structure_errors(name, terms, reference, grid, widths.get(name))
        for name, terms in rows.items()
    ]
    found = [frame for frame in frames if len(frame)]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=["name", "id"])

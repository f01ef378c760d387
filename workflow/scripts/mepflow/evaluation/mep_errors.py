r"""Errors of a predicted molecular electrostatic potential (MEP), per molecule and grid.

With reference values V and predicted values V̂ at the p points of one molecule's grid:

- RMSE = √(Σ (V̂ − V)² / p) and MAE = Σ |V̂ − V| / p;
- relative RMSE = RMSE / √(Σ V² / p), the "RRMS" of charge-fitting work;
- R² = 1 − Σ (V̂ − V)² / Σ (V − V̄)².

With widths of valence shells, the RMSE of the same multipoles and shells stands beside them
(:mod:`mepflow.electrostatics.penetration`).
"""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from mepflow.electrostatics.atomic_terms import AtomicTerms, predicted_terms
from mepflow.electrostatics.penetration import (
    Widths,
    elements_without_width,
    known_shells,
    shells_of,
)
from mepflow.electrostatics.potential import potential
from mepflow.errors import InputError
from mepflow.evaluation.predictions_file import load_matched, molecule_names
from mepflow.geometry.stored_grids import metric_grids
from mepflow.molecules import MoleculeTable
from mepflow.storage.csv_file import write_csv
from mepflow.units import HARTREE_PER_E_IN_KCAL_PER_MOL_E

FloatArray = npt.NDArray[np.float64]

COLUMNS: Final = (
    "id",
    "molecule",
    "grid",
    "n_points",
    "rmse_kcal_per_mol_e",
    "mae_kcal_per_mol_e",
    "relative_rmse",
    "r2",
)
"""Columns of a per-structure table; ``molecule`` names what conformers have in common."""

WITH_PENETRATION: Final = "rmse_with_penetration_kcal_per_mol_e"
"""A further column where there are widths; empty for a molecule that has an element without one."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class MepErrors:
    """Errors of one molecule on one grid: in the unit of the values, relative RMSE and R² bare."""

    n_points: int
    rmse: float
    mae: float
    relative_rmse: float
    r2: float


def mep_errors(reference: FloatArray, predicted: FloatArray) -> MepErrors:
    """Return the errors of values ``predicted`` (p,) against ``reference`` (p,), p ≥ 1.

    The relative RMSE of a reference of zeros, and the R² of a constant one, are NaN.
    """
    error = predicted - reference
    square = float(np.mean(error**2))
    magnitude = float(np.mean(reference**2))
    variance = float(np.var(reference))
    return MepErrors(
        n_points=len(reference),
        rmse=square**0.5,
        mae=float(np.mean(np.abs(error))),
        relative_rmse=(square / magnitude) ** 0.5 if magnitude > 0.0 else float("nan"),
        r2=1.0 - square / variance if variance > 0.0 else float("nan"),
    )


def predicted_potential(
    table: MoleculeTable, index: int, points: FloatArray, widths: Widths | None = None
) -> FloatArray:
    """Return the MEP (p,) in hartree/e of a predictions table's molecule at ``points`` (p, 3).

    With penetration where ``widths`` in bohr have all its elements.
    """
    terms, molecule = predicted_terms(table, index), table.molecule(index)
    shells = known_shells(molecule.atomic_numbers, widths)
    return np.asarray(potential(points, molecule.positions, *terms, penetration=shells))


def evaluate_mep(
    predictions: Path,
    reference: Path,
    output: Path,
    widths: Widths | None = None,
    *,
    may_be_empty: bool = False,
) -> None:
    """Write the errors of a predictions file against a reference file.

    Raises what :func:`write_mep_errors` raises, and :class:`InputError` where the two
    files do not belong together.
    """
    predicted, matched = load_matched(predictions, reference, may_be_empty=may_be_empty)
    write_mep_errors(predicted, matched, predictions, output, widths)


def write_mep_errors(
    predicted: MoleculeTable,
    matched: MoleculeTable,
    predictions: Path,
    output: Path,
    widths: Widths | None = None,
    terms_with_penetration: Callable[[int], AtomicTerms] | None = None,
) -> None:
    """Write the errors of predictions on every grid that errors are measured on.

    ``matched`` is the reference of the same molecules in the same order, ``predictions`` names them
    in messages. ``output`` is a CSV file with the columns :data:`COLUMNS`, a row per molecule and
    grid, in kcal/mol/e. Planes of showcase molecules are left out, as are molecules without points.
    With ``widths`` in bohr by element it has the column :data:`WITH_PENETRATION` too. There, a
    molecule (by its row) has the terms that ``terms_with_penetration`` returns, if it is given.

    Raises :class:`InputError` where no molecule has points; predictions of no molecule give no rows
    instead.
    """
    names = molecule_names(matched)
    rows = [
        (predicted.ids[index], names[index], grid, *_errors(predicted, matched, index, grid))
        for grid in metric_grids(matched)
        for index in range(len(predicted))
        if len(matched.grids[grid].of(index)[1])
    ]
    if not rows and len(predicted):
        raise InputError(
            f"the reference holds no MEP of the molecules of {predictions}: "
            "compute the reference of the test molecules on at least one grid."
        )
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    if widths:
        terms = terms_with_penetration or partial(predicted_terms, predicted)
        frame[WITH_PENETRATION] = _errors_with_penetration(matched, frame, widths, terms)
    write_csv(frame, output)
    logger.info("%s: MEP errors of %d molecules × grids", predictions, len(rows))


def write_no_mep_errors(output: Path) -> None:
    """Write a file of no errors, for a dataset whose potential nobody asks for."""
    write_csv(pd.DataFrame(columns=list(COLUMNS)), output)


def _errors(
    predicted: MoleculeTable, reference: MoleculeTable, index: int, grid: str
) -> tuple[int, float, float, float, float]:
    points, values = reference.grids[grid].of(index)
    try:
        errors = mep_errors(values, predicted_potential(predicted, index, points))
    except ValueError as error:
        raise InputError(f"{predicted.ids[index]}, grid {grid}: {error}") from error
    factor = HARTREE_PER_E_IN_KCAL_PER_MOL_E
    return (
        errors.n_points,
        errors.rmse * factor,
        errors.mae * factor,
        errors.relative_rmse,
        errors.r2,
    )


def _errors_with_penetration(
    reference: MoleculeTable,
    frame: pd.DataFrame,
    widths: Widths,
    terms_of: Callable[[int], AtomicTerms],
) -> list[float]:
    """Return the RMSE with penetration of each row of ``frame``, nan where a width is missing."""
    rows = {key: index for index, key in enumerate(reference.ids)}
    found, missing = [], Counter[str]()
    for key, grid in zip(frame["id"], frame["grid"], strict=True):
        molecule = reference.molecule(rows[key])
        lacking = elements_without_width(molecule.atomic_numbers, widths)
        if lacking:
            missing.update(lacking)
            found.append(float("nan"))
            continue
        points, values = reference.grids[grid].of(rows[key])
        shells = shells_of(molecule.atomic_numbers, widths)
        terms = terms_of(rows[key])
        predicted = potential(points, molecule.positions, *terms, penetration=shells)
        found.append(mep_errors(values, predicted).rmse * HARTREE_PER_E_IN_KCAL_PER_MOL_E)
    for element, count in missing.items():
        logger.warning("%d rows without penetration: no width for %s", count, element)
    return found

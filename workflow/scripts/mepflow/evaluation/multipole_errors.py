"""Errors of predicted molecular dipoles and quadrupoles, per molecule.

The errors are taken over the components: x, y, z of the dipole and the six stored components xx,
yy, zz, xy, xz, yz of the quadrupole Θ′, the ones that the loss of a training is made of. Both are
about the centre of nuclear charge, in atomic units.
"""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from mepflow.errors import InputError
from mepflow.evaluation.predictions_file import load_matched, molecule_names
from mepflow.molecules import MoleculeTable
from mepflow.multipoles import components
from mepflow.storage.csv_file import write_csv

FloatArray = npt.NDArray[np.float64]

COLUMNS: Final = (
    "id",
    "molecule",
    "dipole_rmse_e_bohr",
    "dipole_mae_e_bohr",
    "dipole_norm_error_e_bohr",
    "quadrupole_rmse_e_bohr2",
    "quadrupole_mae_e_bohr2",
)
"""Columns of a per-structure table; ``molecule`` names what conformers have in common.

The error of the norm is |μ| predicted − |μ| reference.
"""


def multipole_components(table: MoleculeTable) -> tuple[FloatArray, FloatArray]:
    """Return the dipole components (M, 3) in e·bohr and the stored Θ′ components (M, 6)."""
    return table.properties["dipole"], np.asarray(components(table.properties["quadrupole"]))


def evaluate_multipoles(
    predictions: Path, reference: Path, output: Path, *, may_be_empty: bool = False
) -> None:
    """Write the errors of a predictions file against a reference file.

    Raises what :func:`write_multipole_errors` raises, and :class:`InputError` where the two
    files do not belong together.
    """
    predicted, matched = load_matched(predictions, reference, may_be_empty=may_be_empty)
    write_multipole_errors(predicted, matched, predictions, output)


def write_multipole_errors(
    predicted: MoleculeTable, matched: MoleculeTable, predictions: Path, output: Path
) -> None:
    """Write the multipole errors of predictions as a CSV file with :data:`COLUMNS`.

    ``matched`` is the reference of the same molecules in the same order, ``predictions`` names them
    in messages. Raises :class:`InputError` where either lacks a multipole.
    """
    for table, name in ((predicted, predictions), (matched, f"the reference of {predictions}")):
        if not {"dipole", "quadrupole"} <= table.properties.keys():
            raise InputError(f"{name} holds no dipoles and quadrupoles: make it again.")
    frame = multipole_errors(predicted, matched)
    write_csv(frame, output)


def multipole_errors(predicted: MoleculeTable, reference: MoleculeTable) -> pd.DataFrame:
    """Return the errors of matched tables: a row per molecule, columns :data:`COLUMNS`."""
    (dipole, quadrupole), (true_dipole, true_quadrupole) = (
        multipole_components(table) for table in (predicted, reference)
    )
    norms = np.linalg.norm(dipole, axis=1) - np.linalg.norm(true_dipole, axis=1)
    values = (
        predicted.ids,
        molecule_names(reference),
        _rmse(dipole - true_dipole),
        np.abs(dipole - true_dipole).mean(axis=1),
        norms,
        _rmse(quadrupole - true_quadrupole),
        np.abs(quadrupole - true_quadrupole).mean(axis=1),
    )
    return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))


def _rmse(errors: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(np.mean(errors**2, axis=1)))

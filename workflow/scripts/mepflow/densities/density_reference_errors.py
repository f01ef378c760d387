"""Errors of a density model on all test molecules, in the files that models of multipoles have."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from mepflow.densities.density_functions import molecular_potential
from mepflow.densities.density_model import DensityModel
from mepflow.densities.density_moments import molecular_moments
from mepflow.evaluation.mep_errors import COLUMNS, mep_errors
from mepflow.evaluation.multipole_errors import write_multipole_errors
from mepflow.evaluation.predictions_file import molecule_names
from mepflow.geometry.stored_grids import metric_grids
from mepflow.molecules import MoleculeTable
from mepflow.storage.csv_file import write_csv
from mepflow.units import HARTREE_PER_E_IN_KCAL_PER_MOL_E

FloatArray = npt.NDArray[np.float64]


def write_reference_errors(
    path: Path, model: DensityModel, reference: MoleculeTable, mep: Path, multipoles: Path
) -> None:
    """Write errors of the potential and of the multipoles of every molecule of ``reference``.

    The files have the columns of :mod:`mepflow.evaluation.mep_errors`, without penetration, which a
    density has anyway, and of :mod:`mepflow.evaluation.multipole_errors`; ``path`` is the model's,
    for messages. Raises :class:`InputError` where the reference has no multipoles.
    """
    rows: list[tuple[object, ...]] = []
    dipoles, quadrupoles, molecules = [], [], []
    names, grids = molecule_names(reference), metric_grids(reference)
    for index, name in enumerate(names):
        molecule = reference.molecule(index)
        numbers = molecule.atomic_numbers.astype(np.int64)
        atoms = (model.basis, numbers, molecule.positions, model.coefficients(molecule))
        _, dipole, quadrupole = molecular_moments(*atoms)
        molecules.append(molecule)
        dipoles.append(dipole)
        quadrupoles.append(quadrupole)
        for grid in grids:
            points, values = reference.grids[grid].of(index)
            if len(values):
                found = molecular_potential(*atoms, points)
                rows.append((molecule.id, name, grid, *_mep_row(values, found)))
    write_csv(pd.DataFrame(rows, columns=list(COLUMNS)), mep)
    of_molecules = {"dipole": dipoles, "quadrupole": quadrupoles}
    predicted = MoleculeTable.from_molecules(molecules, of_molecules)
    write_multipole_errors(predicted, reference, path, multipoles)


def _mep_row(reference: FloatArray, predicted: FloatArray) -> tuple[float, ...]:
    errors = mep_errors(reference, predicted)
    factor = HARTREE_PER_E_IN_KCAL_PER_MOL_E
    sizes = (errors.rmse * factor, errors.mae * factor, errors.relative_rmse, errors.r2)
    return (errors.n_points, *sizes)

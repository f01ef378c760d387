"""From an archive of labels and a split to the labels of density models.

The archive's coefficients are the nearest ones in the Coulomb metric, so (χ|ρ) is (χ|χ′) c, up to a
multiple of the electron numbers that the constraint makes irrelevant. With the potential on points
they are fitted again (:mod:`mepflow.densities.density_fitting`). In another basis ξ, (ξ|ρ) is taken
to be (ξ|χ) c, that of the archive's density.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mepflow.archives.label_columns import FITTING_BASIS
from mepflow.archives.label_file import read_labels
from mepflow.archives.label_set import LabelSet
from mepflow.densities.auxiliary_basis import AuxiliaryBasis
from mepflow.densities.density_fitting import fitted_coefficients, with_potential
from mepflow.densities.density_functions import potential_matrix
from mepflow.densities.density_labels import DensityLabels, LabelledDensity
from mepflow.densities.density_moments import function_moments
from mepflow.densities.free_atoms import free_atoms
from mepflow.densities.pyscf_basis import auxiliary_basis, coulomb_between, coulomb_matrix
from mepflow.errors import InputError
from mepflow.molecules import MoleculeTable
from mepflow.selection.splits import SPLITS, read_splits

FloatArray = npt.NDArray[np.float64]

logger = logging.getLogger(__name__)


def write_density_labels(
    archive: Path,
    reference: Path,
    splits: Path,
    level: Mapping[str, Any],
    grid: str,
    most_points: int,
    weight: float,
    output: Path,
    basis_name: str = FITTING_BASIS,
) -> None:
    """Fit the density of every molecule of ``reference`` with ``archive``'s coefficients.

    ``basis_name`` is one of PySCF's basis sets, ``archive`` a file of labels at the ``level`` of
    theory (a row), ``grid`` that of the potential, of which ``most_points`` points at most count
    with the ``weight`` in e²/hartree. Raises :class:`InputError` where the archive lacks a molecule
    or the grid, or the basis set an element.
    """
    labels = read_labels(archive)
    rows = {key: row for row, key in enumerate(labels.texts["id"])}
    table = MoleculeTable.load(reference)
    if grid not in table.grids:
        raise InputError(f"{reference} has no grid {grid}: mend densities.potential_grid.")
    split_of = read_splits(splits, table.ids).set_index("id")["split"]
    basis = auxiliary_basis(basis_name, map(int, np.unique(table.atomic_numbers)))
    molecules = []
    for index, key in enumerate(table.ids):
        if split_of[key] not in SPLITS:
            continue
        if key not in rows:
            raise InputError(f"{archive} does not hold {key}: make the reference again.")
        stored = labels.columns["density_coefficients"][_functions(labels, rows[key])]
        molecule = _fitted(table, index, grid, most_points, weight, basis, stored.astype(float))
        molecules.append(LabelledDensity(id=key, split=str(split_of[key]), **molecule))
    atoms = free_atoms(basis, str(level["basis"]))
    DensityLabels(basis, str(level["basis"]), weight, atoms, tuple(molecules)).save(output)
    logger.info("%s: densities of %d molecules", output, len(molecules))


def _functions(labels: LabelSet, row: int) -> slice:
    return slice(int(labels.function_offsets[row]), int(labels.function_offsets[row + 1]))


def _fitted(
    table: MoleculeTable,
    index: int,
    grid: str,
    most_points: int,
    weight: float,
    basis: AuxiliaryBasis,
    stored: FloatArray,
) -> dict[str, Any]:
    """Return what is stored of a molecule, but for its id and split."""
    molecule = table.molecule(index)
    numbers = molecule.atomic_numbers.astype(np.int64)
    points, mep = table.grids[grid].of(index)
    step = -(-len(points) // most_points)
    points, mep = points[::step], mep[::step]
    metric = coulomb_matrix(basis.name, numbers, molecule.positions)
    projected = coulomb_between(basis.name, FITTING_BASIS, numbers, molecule.positions)
    if len(stored) != projected.shape[1]:
        raise InputError(f"{molecule.id}: its coefficients are not those of {FITTING_BASIS}.")
    electronic = nuclear_potential(numbers, molecule.positions, points) - mep
    potentials = potential_matrix(basis, numbers, molecule.positions, points)
    pair = with_potential(metric, projected @ stored, potentials, electronic, weight)
    electrons = function_moments(basis, numbers, molecule.positions).number[None]
    target = np.array([float(numbers.sum() - molecule.total_charge)])
    return {
        "numbers": numbers,
        "positions": molecule.positions,
        "charge": int(molecule.total_charge),
        "coefficients": fitted_coefficients(*pair, electrons, target),
        "points": points,
        "mep": mep,
    }


def nuclear_potential(
    numbers: npt.NDArray[np.int64], positions: FloatArray, points: FloatArray
) -> FloatArray:
    """Return Σ Z/|r − R| (p,) in hartree/e at ``points`` (p, 3) in bohr."""
    distances = np.linalg.norm(points[:, None] - positions[None], axis=-1)
    return np.asarray((numbers / distances).sum(axis=1))

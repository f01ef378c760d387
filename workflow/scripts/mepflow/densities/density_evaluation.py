r"""How wrong densities are: models, fits and free atoms beside multipoles, on the same molecules.

The error of a density is :math:`\int |\rho - \rho'| dr / N` in per cent of the N electrons, on the
integration grid of the exact one. Models are judged in two stages, against the fit that they
learned and against the exact density: else a better basis looks like a worse network.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from mepflow.densities.auxiliary_basis import AuxiliaryBasis
from mepflow.densities.computed_densities import (
    FITS,
    FREE_ATOMS,
    LABELS_FIT,
    ComputedDensity,
    load_computed_densities,
    picture_plane,
    require_molecules,
)
from mepflow.densities.density_functions import density, molecular_potential
from mepflow.densities.density_labels import DensityLabels, LabelledDensity
from mepflow.densities.density_model import DensityModel
from mepflow.densities.density_moments import molecular_moments
from mepflow.densities.plane_densities import PlaneDensities
from mepflow.errors import InputError
from mepflow.evaluation.mep_errors import predicted_potential
from mepflow.evaluation.predictions_file import load_predictions
from mepflow.evaluation.sources import Source
from mepflow.molecules import Molecule
from mepflow.multipoles import components
from mepflow.selection.splits import TEST
from mepflow.storage.csv_file import write_csv
from mepflow.units import (
    ANGSTROM_IN_BOHR,
    E_BOHR2_IN_DEBYE_ANGSTROM,
    E_BOHR_IN_DEBYE,
    HARTREE_PER_E_IN_KCAL_PER_MOL_E,
)

FloatArray = npt.NDArray[np.float64]

logger = logging.getLogger(__name__)

MODEL: Final = "density"
NO_SEED: Final = -1
"""Seed of what is not trained."""
NEAR_NUCLEI_ANGSTROM: Final = 0.5


def evaluate_densities(
    models: Sequence[Source],
    labels: Path,
    computed: Path,
    multipoles: Sequence[Source],
    errors: Path,
    dipoles: Path,
    plane: Path,
) -> None:
    """Write errors of all sources on the computed molecules, and dipoles of all test molecules.

    ``models`` are files of density models, ``multipoles`` predictions files of models and baselines
    of atomic multipoles. ``errors`` has a row per molecule and source with the columns id, name,
    seed, density errors in per cent, errors of dipole (D) and Θ′ (D·Å, root mean square of the
    components), ``mep_GRID`` in kcal/mol/e. ``dipoles`` has the components of model and label,
    ``plane`` the densities of the first molecule in a plane
    (:mod:`mepflow.densities.plane_densities`).
    """
    known = DensityLabels.load(labels)
    exact = load_computed_densities(computed)
    require_molecules(exact, computed)
    loaded = {source: DensityModel.load(source.path) for source in models}
    by_id = {molecule.id: molecule for molecule in known.molecules}
    rows: list[dict[str, Any]] = []
    for one in exact:
        molecule = by_id[one.id]
        rows += _density_rows(one, molecule, known.basis, loaded)
        rows += _multipole_rows(one, multipoles)
        logger.info("%s: evaluated", one.id)
    write_csv(pd.DataFrame(rows), errors)
    write_csv(_dipoles(known, loaded), dipoles)
    first, model = exact[0], next(iter(loaded.values()))
    found = model.coefficients(_molecule(by_id[first.id]))
    _plane_densities(first, by_id[first.id], known.basis, found).save(plane)


def _plane_densities(
    exact: ComputedDensity, labelled: LabelledDensity, basis: AuxiliaryBasis, predicted: FloatArray
) -> PlaneDensities:
    """Return the densities in a molecule's plane; ``predicted`` are the model's coefficients."""
    plane = picture_plane(exact)
    columns = [exact.coefficients[FREE_ATOMS], exact.coefficients[LABELS_FIT], predicted]
    values = density(
        basis, labelled.numbers, labelled.positions, np.stack(columns, axis=1), plane.points()
    )
    atoms, fit, model = (column.reshape(plane.shape) for column in values.T)
    atomic = (labelled.numbers, labelled.positions)
    return PlaneDensities(exact.id, *atomic, exact.plane, exact.plane_density, atoms, fit, model)


def _density_rows(
    exact: ComputedDensity,
    labelled: LabelledDensity,
    basis: AuxiliaryBasis,
    models: Mapping[Source, DensityModel],
) -> Iterator[dict[str, Any]]:
    known: dict[tuple[str, int], FloatArray] = {
        (name, NO_SEED): exact.coefficients[name] for name in (FREE_ATOMS, *FITS)
    }
    for source, model in models.items():
        known[MODEL, _seed(source)] = model.coefficients(_molecule(labelled))
    atoms = (basis, labelled.numbers, labelled.positions)
    # The functions' values take the time: all densities have them in common.
    columns = np.stack(list(known.values()), axis=1)
    densities = density(*atoms, columns, exact.points)
    mep = {
        grid: molecular_potential(*atoms, columns, places) for grid, places in exact.places.items()
    }
    label = densities[:, list(known).index((LABELS_FIT, NO_SEED))]
    shares = exact.weights * 100.0 / float(labelled.numbers.sum() - labelled.charge)
    outside = _outside_nuclei(exact, labelled.positions)
    for column, (name, seed) in enumerate(known):
        wrong = shares * np.abs(densities[:, column] - exact.density)
        _, dipole, quadrupole = molecular_moments(*atoms, columns[:, column])
        yield {
            **_identity(exact, name, seed),
            "density_error_percent": wrong.sum(),
            "density_error_outside_percent": wrong[outside].sum(),
            "density_from_label_percent": shares @ np.abs(densities[:, column] - label),
            **_moment_errors(exact, dipole, quadrupole),
            **_mep_errors(exact, {grid: values[:, column] for grid, values in mep.items()}),
        }


def _outside_nuclei(exact: ComputedDensity, positions: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which points (p,) are not near a nucleus."""
    distances = np.linalg.norm(exact.points[:, None] - positions[None], axis=-1).min(axis=1)
    return np.asarray(distances > NEAR_NUCLEI_ANGSTROM * ANGSTROM_IN_BOHR)


def _multipole_rows(exact: ComputedDensity, sources: Sequence[Source]) -> Iterator[dict[str, Any]]:
    for source in sources:
        table = load_predictions(source.path)
        if exact.id not in table.ids:
            raise InputError(f"{source.path} does not hold {exact.id}: delete it and run again.")
        row = table.ids.index(exact.id)
        mep = {
            grid: predicted_potential(table, row, places) for grid, places in exact.places.items()
        }
        moments = (table.property_of(name, row) for name in ("dipole", "quadrupole"))
        nothing = float("nan")
        yield {
            **_identity(exact, source.name, _seed(source)),
            "density_error_percent": nothing,
            "density_error_outside_percent": nothing,
            "density_from_label_percent": nothing,
            **_moment_errors(exact, *moments),
            **_mep_errors(exact, mep),
        }


def _identity(exact: ComputedDensity, name: str, seed: int) -> dict[str, Any]:
    return {"id": exact.id, "name": name, "seed": seed}


def _moment_errors(
    exact: ComputedDensity, dipole: FloatArray, quadrupole: FloatArray
) -> dict[str, float]:
    wrong = float(np.linalg.norm(dipole - exact.dipole)) * E_BOHR_IN_DEBYE
    parts = components(quadrupole - exact.quadrupole)
    return {
        "dipole_error_debye": wrong,
        "quadrupole_rmse_debye_angstrom": _root_mean_square(parts) * E_BOHR2_IN_DEBYE_ANGSTROM,
    }


def _mep_errors(exact: ComputedDensity, mep: Mapping[str, FloatArray]) -> dict[str, float]:
    factor = HARTREE_PER_E_IN_KCAL_PER_MOL_E
    return {
        f"mep_{grid}": _root_mean_square(values - exact.mep[grid]) * factor
        for grid, values in mep.items()
    }


def _seed(source: Source) -> int:
    return NO_SEED if source.seed is None else source.seed


def _root_mean_square(values: Any) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def _molecule(labelled: LabelledDensity) -> Molecule:
    numbers = labelled.numbers.astype(np.uint8)
    return Molecule(labelled.id, numbers, labelled.positions, labelled.charge)


def _dipoles(labels: DensityLabels, models: Mapping[Source, DensityModel]) -> pd.DataFrame:
    """Return the dipoles in debye of all test molecules: of the models and of their labels."""
    rows = []
    for labelled in labels.of_split(TEST):
        numbers, positions = labelled.numbers, labelled.positions
        _, truth, _ = molecular_moments(labels.basis, numbers, positions, labelled.coefficients)
        for source, model in models.items():
            found = model.coefficients(_molecule(labelled))
            _, dipole, _ = molecular_moments(labels.basis, numbers, positions, found)
            pairs = zip("xyz", truth * E_BOHR_IN_DEBYE, dipole * E_BOHR_IN_DEBYE, strict=True)
            rows += [
                {
                    "id": labelled.id,
                    "seed": source.seed,
                    "axis": axis,
                    "label_debye": a,
                    "model_debye": b,
                }
                for axis, a, b in pairs
            ]
    return pd.DataFrame(rows)

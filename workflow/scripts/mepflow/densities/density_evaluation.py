r"""How wrong densities are: models, fits and free atoms beside multipoles, on the same molecules.

The error of a density is :math:`\int |\rho - \rho'| dr / N` in per cent of the N electrons, on the
integration grid of the exact one. Models are judged in two stages, against the fit that they
learned and against the exact density: else a better basis looks like a worse network.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from mepflow.densities.auxiliary_basis import AuxiliaryBasis
from mepflow.densities.computed_densities import (
    ComputedDensity,
    load_computed_densities,
    picture_plane,
    require_molecules,
)
from mepflow.densities.density_functions import density, molecular_potential
from mepflow.densities.density_labels import DensityLabels, LabelledDensity
from mepflow.densities.density_model import DensityModel
from mepflow.densities.density_moments import molecular_moments
from mepflow.densities.density_reference_errors import write_reference_errors
from mepflow.densities.fit_names import FREE_ATOMS, LABELS_FIT, fit_name
from mepflow.densities.plane_densities import PlaneDensities
from mepflow.densities.pyscf_basis import auxiliary_basis
from mepflow.errors import InputError
from mepflow.evaluation.mep_errors import predicted_potential
from mepflow.evaluation.predictions_file import load_predictions
from mepflow.evaluation.sources import Source
from mepflow.molecules import Molecule, MoleculeTable
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

NO_SEED: Final = -1
"""Seed of what is not trained."""
NEAR_NUCLEI_ANGSTROM: Final = 0.5


@dataclass(frozen=True)
class EvaluationFiles:
    """What an evaluation writes.

    ``errors`` has a row per computed molecule and source with the columns id, name, seed, density
    errors in per cent, errors of dipole (D) and Θ′ (D·Å, root mean square of the components),
    ``mep_GRID`` in kcal/mol/e. ``dipoles`` has the components of model and label of all test
    molecules, ``plane`` the densities of the first molecule in a plane
    (:mod:`mepflow.densities.plane_densities`), both of the first model. ``mep`` and ``multipoles``
    are, for each model, its errors on all test molecules
    (:mod:`mepflow.densities.density_reference_errors`).
    """

    errors: Path
    dipoles: Path
    plane: Path
    mep: Sequence[Path]
    multipoles: Sequence[Path]


def evaluate_densities(
    models: Sequence[Source],
    labels: Path,
    computed: Path,
    reference: Path,
    multipoles: Sequence[Source],
    outputs: EvaluationFiles,
) -> None:
    """Judge density models, fits, and models and baselines of atomic multipoles.

    ``models`` are files of density models, ``labels`` those of the first one's basis, ``reference``
    holds the test molecules, ``multipoles`` are predictions files. Raises :class:`InputError` where
    files are missing, damaged or of other molecules.
    """
    known = DensityLabels.load(labels)
    exact = load_computed_densities(computed)
    require_molecules(exact, computed)
    loaded = {source: DensityModel.load(source.path) for source in models}
    by_id = {molecule.id: molecule for molecule in known.molecules}
    rows: list[dict[str, Any]] = []
    for one in exact:
        if one.id not in by_id:
            raise InputError(f"{labels} does not hold {one.id}: delete {computed} and run again.")
        rows += _density_rows(one, by_id[one.id], known.basis, loaded)
        rows += _multipole_rows(one, multipoles)
        logger.info("%s: evaluated", one.id)
    write_csv(pd.DataFrame(rows), outputs.errors)
    first = {source: model for source, model in loaded.items() if source.name == models[0].name}
    write_csv(_dipoles(known, first), outputs.dipoles)
    shown, model = exact[0], loaded[models[0]]
    _plane_densities(shown, by_id[shown.id], known.basis, model).save(outputs.plane)
    table = MoleculeTable.load(reference)
    of_test = {molecule.id for molecule in known.of_split(TEST)}
    test = table.select([row for row, key in enumerate(table.ids) if key in of_test])
    for source, mep, moments in zip(models, outputs.mep, outputs.multipoles, strict=True):
        write_reference_errors(source.path, loaded[source], test, mep, moments)


def _plane_densities(
    exact: ComputedDensity, labelled: LabelledDensity, basis: AuxiliaryBasis, model: DensityModel
) -> PlaneDensities:
    """Return the densities of free atoms, of the label's fit and of a model in a plane."""
    plane = picture_plane(exact)
    fits = exact.coefficients[basis.name]
    columns = [fits[FREE_ATOMS], fits[LABELS_FIT], model.coefficients(_molecule(labelled))]
    values = density(
        basis, labelled.numbers, labelled.positions, np.stack(columns, axis=1), plane.points()
    )
    atoms, fit, found = (column.reshape(plane.shape) for column in values.T)
    atomic = (labelled.numbers, labelled.positions)
    return PlaneDensities(exact.id, *atomic, exact.plane, exact.plane_density, atoms, fit, found)


def _density_rows(
    exact: ComputedDensity,
    labelled: LabelledDensity,
    basis: AuxiliaryBasis,
    models: Mapping[Source, DensityModel],
) -> Iterator[dict[str, Any]]:
    """Yield the rows of fits and models, basis set by basis set, that of the labels first."""
    for name, fits in exact.coefficients.items():
        is_own = name == basis.name
        functions = basis if is_own else auxiliary_basis(name, labelled.numbers)
        # Free atoms hardly depend on the basis: once is enough.
        known: dict[tuple[str, int], FloatArray] = {
            (fit_name(fit, name, basis.name), NO_SEED): coefficients
            for fit, coefficients in fits.items()
            if is_own or fit != FREE_ATOMS
        }
        label = (fit_name(LABELS_FIT, name, basis.name), NO_SEED)
        for source, model in models.items():
            if model.basis.name == name:
                known[source.name, _seed(source)] = model.coefficients(_molecule(labelled))
        yield from _rows_of_basis(exact, labelled, functions, known, label)


def _rows_of_basis(
    exact: ComputedDensity,
    labelled: LabelledDensity,
    basis: AuxiliaryBasis,
    known: Mapping[tuple[str, int], FloatArray],
    label: tuple[str, int],
) -> Iterator[dict[str, Any]]:
    """Yield the row of every density of ``known`` (name and seed: coefficients) in a basis."""
    atoms = (basis, labelled.numbers, labelled.positions)
    # The functions' values take the time: all densities have them in common.
    columns = np.stack(list(known.values()), axis=1)
    densities = density(*atoms, columns, exact.points)
    mep = {
        grid: molecular_potential(*atoms, columns, places) for grid, places in exact.places.items()
    }
    of_label = densities[:, list(known).index(label)]
    shares = exact.weights * 100.0 / float(labelled.numbers.sum() - labelled.charge)
    outside = _outside_nuclei(exact, labelled.positions)
    for column, (name, seed) in enumerate(known):
        wrong = shares * np.abs(densities[:, column] - exact.density)
        _, dipole, quadrupole = molecular_moments(*atoms, columns[:, column])
        yield {
            **_identity(exact, name, seed),
            "density_error_percent": wrong.sum(),
            "density_error_outside_percent": wrong[outside].sum(),
            "density_from_label_percent": shares @ np.abs(densities[:, column] - of_label),
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

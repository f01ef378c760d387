"""The tables of a prediction: a row per molecule, and a row per atom."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Final, Self

import numpy as np
from ase.data import chemical_symbols

from mepflow.evaluation.calibration import DIPOLE, MEP, Calibration
from mepflow.geometry.grids import grid_points
from mepflow.models.ensemble_spread import joined, mean, rms_spread, spread, vector_spread
from mepflow.multipoles import DIPOLE_COMPONENTS, QUADRUPOLE_COMPONENTS, components
from mepflow.prediction.error_warnings import undetermined_charges, unusual_spread
from mepflow.prediction.result import FloatArray, Prediction
from mepflow.prediction.structures import Structure, formula
from mepflow.units import (
    BOHR_IN_ANGSTROM,
    E_BOHR2_IN_DEBYE_ANGSTROM,
    E_BOHR_IN_DEBYE,
    HARTREE_PER_E_IN_KCAL_PER_MOL_E,
)

Row = dict[str, Any]
Columns = dict[str, list[Any]]

_MEP_COLUMNS: Final = (
    "mep_lowest_kcal_per_mol_e",
    "mep_highest_kcal_per_mol_e",
    "mep_spread_kcal_per_mol_e",
    "mep_of_charges_rmse_kcal_per_mol_e",
    "charges_undetermined",
)
_DIPOLE_ERRORS: Final = ("dipole_expected_error_debye", "dipole_error_bound_debye")
_MEP_ERRORS: Final = ("mep_expected_error_kcal_per_mol_e", "mep_error_bound_kcal_per_mol_e")


@dataclass(frozen=True)
class Surroundings:
    """The predicted MEP at the points of a grid around a molecule, in kcal/mol/e.

    ``spread`` is the root mean square over the points of the spread over the models, ``of_charges``
    that of what the potential of the charges that stand alone differs from it; ``undetermined``
    is the number of combinations of these charges that the potential does not tell.
    """

    lowest: float
    highest: float
    spread: float
    of_charges: float
    undetermined: int

    @classmethod
    def of(cls, prediction: Prediction, grid: Mapping[str, Any]) -> Self:
        """Evaluate the points of ``grid``, a row of the configuration's ``grids``."""
        molecule = prediction.molecule
        points = grid_points(grid, molecule.atomic_numbers, molecule.positions)
        of_models = prediction.model_potentials(points)
        values = of_models.mean(axis=0)
        in_hartree = (
            values.min(), values.max(), rms_spread(of_models),
            prediction.charges_deviation(points, values),
        )  # fmt: skip
        lowest, highest, spread, of_charges = (
            float(value) * HARTREE_PER_E_IN_KCAL_PER_MOL_E for value in in_hartree
        )
        open_ones = prediction.undetermined_charges.combinations
        return cls(lowest, highest, spread, of_charges, open_ones)


def molecule_columns(*, with_mep: bool, with_errors: bool) -> list[str]:
    """Return the columns of ``multipoles.csv``.

    Those of the MEP can be left out, and those of what errors are expected.
    """
    dipole, quadrupole = DIPOLE_COMPONENTS, QUADRUPOLE_COMPONENTS
    return [
        *("name", "source", "formula", "n_atoms", "total_charge_e", "total_charge_from"),
        *_each("origin_{}_bohr", dipole),
        *_each("dipole_{}_e_bohr", dipole),
        "dipole_norm_e_bohr",
        *_each("dipole_{}_spread_e_bohr", dipole),
        "dipole_norm_spread_e_bohr",
        *_each("dipole_{}_debye", dipole),
        *("dipole_norm_debye", "dipole_norm_spread_debye"),
        *(_DIPOLE_ERRORS if with_errors else ()),
        *_each("theta_prime_{}_e_bohr2", quadrupole),
        *_each("theta_prime_{}_spread_e_bohr2", quadrupole),
        *_each("buckingham_{}_debye_angstrom", quadrupole),
        *(_MEP_COLUMNS if with_mep else ()),
        *(_MEP_ERRORS if with_mep and with_errors else ()),
        *("multiplicity_stated", "warnings", "failure"),
    ]


def molecule_rows(
    structures: Sequence[Structure],
    predictions: Sequence[Prediction],
    around: Sequence[Surroundings | None],
) -> list[Row]:
    """Return the molecules' rows of ``multipoles.csv``, without a failure.

    The spread of a norm is that of the models' norms; Buckingham's Θ is Θ′/2. The MEP is in all of
    ``around``, or in none. Errors are expected where the models have a calibration.
    """
    if not structures:
        return []
    molecules = [structure.molecule for structure in structures]
    found = {
        "name": [molecule.id for molecule in molecules],
        "source": [structure.place for structure in structures],
        "formula": [formula(molecule) for molecule in molecules],
        "n_atoms": [len(molecule) for molecule in molecules],
        "total_charge_e": [molecule.total_charge for molecule in molecules],
        "total_charge_from": [structure.charge_source for structure in structures],
        **_by_component("origin_{}_bohr", np.stack([one.origin for one in predictions])),
        **_dipole_columns(np.stack([one.model_dipoles for one in predictions], axis=1)),
        **_quadrupole_columns(np.stack([one.model_quadrupoles for one in predictions], axis=1)),
        **_mep_columns(around),
        **_error_columns(predictions, around),
        "multiplicity_stated": [structure.multiplicity for structure in structures],
        "warnings": [
            "; ".join(all_warnings(*one)) for one in zip(predictions, around, strict=True)
        ],
    }
    return [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]


def _dipole_columns(of_models: FloatArray) -> Columns:
    """Return the columns of dipoles (K, M, 3) of K models in e·bohr."""
    dipoles = mean(of_models)
    # Vector by vector: the norm of many has other last digits than that of one.
    norms = np.array([np.linalg.norm(dipole) for dipole in dipoles])
    spreads = spread(np.linalg.norm(of_models, axis=-1))
    return {
        **_by_component("dipole_{}_e_bohr", dipoles),
        "dipole_norm_e_bohr": norms.tolist(),
        **_by_component("dipole_{}_spread_e_bohr", spread(of_models)),
        "dipole_norm_spread_e_bohr": spreads.tolist(),
        **_by_component("dipole_{}_debye", dipoles * E_BOHR_IN_DEBYE),
        "dipole_norm_debye": (norms * E_BOHR_IN_DEBYE).tolist(),
        "dipole_norm_spread_debye": (spreads * E_BOHR_IN_DEBYE).tolist(),
    }


def _quadrupole_columns(of_models: FloatArray) -> Columns:
    """Return the columns of quadrupoles Θ′ (K, M, 3, 3) of K models in e·bohr²."""
    six = components(of_models)
    means = mean(six)
    buckingham = means / 2.0 * E_BOHR2_IN_DEBYE_ANGSTROM
    return {
        **_by_component("theta_prime_{}_e_bohr2", means),
        **_by_component("theta_prime_{}_spread_e_bohr2", spread(six)),
        **_by_component("buckingham_{}_debye_angstrom", buckingham),
    }


def _mep_columns(around: Sequence[Surroundings | None]) -> Columns:
    values = [astuple(one) for one in around if one is not None]
    lists = [list(column) for column in zip(*values, strict=True)]
    return dict(zip(_MEP_COLUMNS if values else (), lists, strict=True))


def all_warnings(prediction: Prediction, around: Surroundings | None) -> list[str]:
    """Return what makes a prediction doubtful, charges and an unusual spread of the MEP included.

    Those two only where there is a MEP, ``around`` the molecule.
    """
    found = list(prediction.warnings)
    if around is None:
        return found
    calibration = prediction.calibrations.get(MEP)
    if calibration is not None:
        found += unusual_spread(calibration, around.spread, MEP)
    return [*found, *undetermined_charges(prediction)]


def _error_columns(
    predictions: Sequence[Prediction], around: Sequence[Surroundings | None]
) -> Columns:
    """Return what errors are expected of predictions by models with one calibration."""
    calibrations = predictions[0].calibrations
    if not calibrations:
        return {}
    dipoles = np.stack([one.model_dipoles for one in predictions], axis=1) * E_BOHR_IN_DEBYE
    found = _errors(_DIPOLE_ERRORS, calibrations[DIPOLE], vector_spread(dipoles))
    of_mep = np.array([one.spread for one in around if one is not None])
    return found | (_errors(_MEP_ERRORS, calibrations[MEP], of_mep) if len(of_mep) else {})


def _errors(names: Sequence[str], calibration: Calibration, spreads: FloatArray) -> Columns:
    values = (calibration.expected(spreads).tolist(), calibration.bounds(spreads).tolist())
    return dict(zip(names, values, strict=True))


def atom_columns(predictions: Sequence[Prediction], *, with_charges: bool) -> Columns:
    """Return the columns of ``atoms.csv``, whose molecules' atoms are numbered from 1.

    ``charge_e`` are charges that stand alone, which can be left out, ``atomic_charge_e`` and
    ``atomic_dipole_*`` and ``atomic_theta_prime_*`` the model's own terms, which belong together;
    models of densities have none.
    """
    molecules = [prediction.molecule for prediction in predictions]
    positions = np.concatenate([molecule.positions for molecule in molecules])
    found: Columns = {
        "name": [molecule.id for molecule in molecules for _ in range(len(molecule))],
        "atom": [atom for molecule in molecules for atom in range(1, len(molecule) + 1)],
        "element": [chemical_symbols[z] for molecule in molecules for z in molecule.atomic_numbers],
        **_by_component("{}_angstrom", positions * BOHR_IN_ANGSTROM),
    }
    if with_charges:
        charges = np.concatenate([one.model_charges for one in predictions], axis=1)
        found |= {"charge_e": mean(charges).tolist(), "charge_spread_e": spread(charges).tolist()}
    if not predictions[0].has_atomic_terms:
        return found
    charges = np.concatenate([one.model_atomic_charges for one in predictions], axis=1)
    found["atomic_charge_e"] = mean(charges).tolist()
    found["atomic_charge_spread_e"] = spread(charges).tolist()
    dipoles = joined([prediction.model_atomic_dipoles for prediction in predictions])
    if dipoles is not None:
        found |= _by_component("atomic_dipole_{}_e_bohr", mean(dipoles))
        found |= _by_component("atomic_dipole_{}_spread_e_bohr", spread(dipoles))
    quadrupoles = joined([prediction.model_atomic_quadrupoles for prediction in predictions])
    if quadrupoles is not None:
        six = components(quadrupoles)
        found |= _by_component("atomic_theta_prime_{}_e_bohr2", mean(six))
        found |= _by_component("atomic_theta_prime_{}_spread_e_bohr2", spread(six))
    return found


def csv_text(columns: Iterable[Sequence[Any]]) -> str:
    """Return columns as rows of CSV: numbers with nine digits, nothing for what is not a number."""
    text = io.StringIO()
    rows = zip(*map(_cells, columns), strict=True)
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _cells(column: Sequence[Any]) -> Sequence[Any]:
    kinds = set(map(type, column))
    if kinds == {float}:
        text = "%.9g," * len(column) % tuple(column)
        return text.replace("nan", "").split(",")[:-1]
    return [_cell(value) for value in column] if float in kinds else column


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.9g}"
    return value


def columns(name: str, labels: Iterable[str], values: FloatArray) -> Row:
    """Return ``values`` by column, whose names are ``name`` with each label in its braces."""
    return dict(zip(_each(name, labels), np.asarray(values).tolist(), strict=True))


def _each(name: str, labels: Iterable[str]) -> list[str]:
    return [name.format(label) for label in labels]


def _by_component(name: str, vectors: FloatArray) -> Columns:
    """Return the columns of vectors (n, 3), or of the six components (n, 6) of matrices."""
    labels = DIPOLE_COMPONENTS if vectors.shape[1] == 3 else QUADRUPOLE_COMPONENTS
    return dict(zip(_each(name, labels), vectors.T.tolist(), strict=True))

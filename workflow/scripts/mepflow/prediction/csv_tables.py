"""The tables of a prediction: a row per molecule, and a row per atom."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Final, Self

import numpy as np
from ase.data import chemical_symbols

from mepflow.geometry.grids import grid_points
from mepflow.multipoles import DIPOLE_COMPONENTS, QUADRUPOLE_COMPONENTS, components
from mepflow.prediction.result import FloatArray, Prediction, spread
from mepflow.prediction.structures import Structure, formula
from mepflow.units import (
    BOHR_IN_ANGSTROM,
    E_BOHR2_IN_DEBYE_ANGSTROM,
    E_BOHR_IN_DEBYE,
    HARTREE_PER_E_IN_KCAL_PER_MOL_E,
)

Row = dict[str, Any]

_MEP_COLUMNS: Final = (
    "mep_lowest_kcal_per_mol_e",
    "mep_highest_kcal_per_mol_e",
    "mep_spread_kcal_per_mol_e",
    "mep_of_charges_rmse_kcal_per_mol_e",
)


@dataclass(frozen=True)
class Surroundings:
    """The predicted MEP at the points of a grid around a molecule, in kcal/mol/e.

    ``spread`` is the root mean square over the points of the spread over the models, ``of_charges``
    that of what the potential of the charges that stand alone differs from it.
    """

    lowest: float
    highest: float
    spread: float
    of_charges: float

    @classmethod
    def of(cls, prediction: Prediction, grid: Mapping[str, Any]) -> Self:
        """Evaluate the points of ``grid``, a row of the configuration's ``grids``."""
        molecule = prediction.molecule
        points = grid_points(grid, molecule.atomic_numbers, molecule.positions)
        of_models = prediction.model_potentials(points) * HARTREE_PER_E_IN_KCAL_PER_MOL_E
        values = of_models.mean(axis=0)
        return cls(
            float(values.min()),
            float(values.max()),
            float(np.sqrt(np.mean(np.square(spread(of_models))))),
            prediction.charges_deviation(points) * HARTREE_PER_E_IN_KCAL_PER_MOL_E,
        )


def molecule_columns(*, with_mep: bool) -> list[str]:
    """Return the columns of ``multipoles.csv``; those of the MEP can be left out."""
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
        *_each("theta_prime_{}_e_bohr2", quadrupole),
        *_each("theta_prime_{}_spread_e_bohr2", quadrupole),
        *_each("buckingham_{}_debye_angstrom", quadrupole),
        *(_MEP_COLUMNS if with_mep else ()),
        *("multiplicity_stated", "warnings", "failure"),
    ]


def molecule_row(structure: Structure, prediction: Prediction, around: Surroundings | None) -> Row:
    """Return the molecule's row of ``multipoles.csv``, without a failure.

    The spread of a norm is that of the models' norms; Buckingham's Θ is Θ′/2.
    """
    molecule = structure.molecule
    dipole, quadrupole = prediction.dipole, components(prediction.quadrupole)
    norm = float(np.linalg.norm(dipole))
    norm_spread = float(spread(np.linalg.norm(prediction.model_dipoles, axis=1)))
    buckingham = quadrupole / 2.0 * E_BOHR2_IN_DEBYE_ANGSTROM
    mep = () if around is None else astuple(around)
    return {
        "name": molecule.id,
        "source": structure.place,
        "formula": formula(molecule),
        "n_atoms": len(molecule),
        "total_charge_e": molecule.total_charge,
        "total_charge_from": structure.charge_source,
        **columns("origin_{}_bohr", DIPOLE_COMPONENTS, prediction.origin),
        **columns("dipole_{}_e_bohr", DIPOLE_COMPONENTS, dipole),
        "dipole_norm_e_bohr": norm,
        **columns("dipole_{}_spread_e_bohr", DIPOLE_COMPONENTS, prediction.dipole_spread),
        "dipole_norm_spread_e_bohr": norm_spread,
        **columns("dipole_{}_debye", DIPOLE_COMPONENTS, dipole * E_BOHR_IN_DEBYE),
        "dipole_norm_debye": norm * E_BOHR_IN_DEBYE,
        "dipole_norm_spread_debye": norm_spread * E_BOHR_IN_DEBYE,
        **columns("theta_prime_{}_e_bohr2", QUADRUPOLE_COMPONENTS, quadrupole),
        **columns(
            "theta_prime_{}_spread_e_bohr2",
            QUADRUPOLE_COMPONENTS,
            components(prediction.quadrupole_spread),
        ),
        **columns("buckingham_{}_debye_angstrom", QUADRUPOLE_COMPONENTS, buckingham),
        **dict(zip(_MEP_COLUMNS if mep else (), mep, strict=True)),
        "multiplicity_stated": structure.multiplicity,
        "warnings": "; ".join(prediction.warnings),
    }


def atom_columns(prediction: Prediction, *, with_charges: bool) -> dict[str, list[Any]]:
    """Return the columns of the molecule's atoms in ``atoms.csv``, numbered from 1 as in the file.

    ``charge_e`` are charges that stand alone, which can be left out, ``atomic_charge_e`` and
    ``atomic_dipole_*`` and ``atomic_theta_prime_*`` the model's own terms, which belong together.
    """
    molecule = prediction.molecule
    n = len(molecule)
    found: dict[str, list[Any]] = {
        "name": [molecule.id] * n,
        "atom": list(range(1, n + 1)),
        "element": [chemical_symbols[number] for number in molecule.atomic_numbers],
        **_by_component("{}_angstrom", molecule.positions * BOHR_IN_ANGSTROM),
    }
    if with_charges:
        found["charge_e"] = prediction.charges.tolist()
        found["charge_spread_e"] = prediction.charges_spread.tolist()
    found["atomic_charge_e"] = prediction.atomic_charges.tolist()
    found["atomic_charge_spread_e"] = prediction.atomic_charges_spread.tolist()
    dipoles, spreads = prediction.atomic_dipoles, prediction.atomic_dipoles_spread
    if dipoles is not None and spreads is not None:
        found |= _by_component("atomic_dipole_{}_e_bohr", dipoles)
        found |= _by_component("atomic_dipole_{}_spread_e_bohr", spreads)
    quadrupoles, spreads = prediction.atomic_quadrupoles, prediction.atomic_quadrupoles_spread
    if quadrupoles is not None and spreads is not None:
        found |= _by_component("atomic_theta_prime_{}_e_bohr2", components(quadrupoles))
        found |= _by_component("atomic_theta_prime_{}_spread_e_bohr2", components(spreads))
    return found


def csv_text(rows: Iterable[Sequence[Any]]) -> str:
    """Return rows as CSV: real numbers with nine digits, nothing for what is not a number."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return "" if math.isnan(value) else "%.9g" % value  # noqa: UP031, twice as fast
    return value


def columns(name: str, labels: Iterable[str], values: FloatArray) -> Row:
    """Return ``values`` by column, whose names are ``name`` with each label in its braces."""
    return dict(zip(_each(name, labels), np.asarray(values).tolist(), strict=True))


def _each(name: str, labels: Iterable[str]) -> list[str]:
    return [name.format(label) for label in labels]


def _by_component(name: str, vectors: FloatArray) -> dict[str, list[Any]]:
    """Return the columns of vectors (n, 3), or of the six components (n, 6) of matrices."""
    labels = DIPOLE_COMPONENTS if vectors.shape[1] == 3 else QUADRUPOLE_COMPONENTS
    return dict(zip(_each(name, labels), vectors.T.tolist(), strict=True))

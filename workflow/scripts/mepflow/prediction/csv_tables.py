"""The tables of a prediction: a row per molecule, and a row per atom."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import pandas as pd
from ase.data import chemical_symbols

from mepflow.geometry.grids import grid_points
from mepflow.multipoles import DIPOLE_COMPONENTS, QUADRUPOLE_COMPONENTS, components
from mepflow.prediction.result import FloatArray, Prediction, spread
from mepflow.prediction.structures import Structure, formula
from mepflow.storage.csv_file import write_csv
from mepflow.units import (
    BOHR_IN_ANGSTROM,
    E_BOHR2_IN_DEBYE_ANGSTROM,
    E_BOHR_IN_DEBYE,
    HARTREE_PER_E_IN_KCAL_PER_MOL_E,
)

Row = dict[str, Any]

_NUMBERS: Final = "%.9g"


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
        values = prediction.potential(points) * HARTREE_PER_E_IN_KCAL_PER_MOL_E
        spreads = prediction.potential_spread(points) * HARTREE_PER_E_IN_KCAL_PER_MOL_E
        return cls(
            float(values.min()),
            float(values.max()),
            float(np.sqrt(np.mean(np.square(spreads)))),
            prediction.charges_deviation(points) * HARTREE_PER_E_IN_KCAL_PER_MOL_E,
        )


def molecule_row(structure: Structure, prediction: Prediction, around: Surroundings) -> Row:
    """Return the molecule's row of ``multipoles.csv``.

    The spread of a norm is that of the models' norms; Buckingham's Θ is Θ′/2.
    """
    molecule = structure.molecule
    dipole, quadrupole = prediction.dipole, components(prediction.quadrupole)
    norm = float(np.linalg.norm(dipole))
    norm_spread = float(spread(np.linalg.norm(prediction.model_dipoles, axis=1)))
    buckingham = quadrupole / 2.0 * E_BOHR2_IN_DEBYE_ANGSTROM
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
        "mep_lowest_kcal_per_mol_e": around.lowest,
        "mep_highest_kcal_per_mol_e": around.highest,
        "mep_spread_kcal_per_mol_e": around.spread,
        "mep_of_charges_rmse_kcal_per_mol_e": around.of_charges,
        "multiplicity_stated": structure.multiplicity,
        "warnings": "; ".join(prediction.warnings),
    }


def atom_rows(prediction: Prediction) -> list[Row]:
    """Return the rows of the molecule's atoms in ``atoms.csv``, numbered from 1 as in the file.

    ``charge_e`` are charges that stand alone, ``atomic_charge_e`` and ``atomic_dipole_*`` the
    model's own terms, which belong together.
    """
    molecule = prediction.molecule
    charges, charge_spreads = prediction.charges, prediction.charges_spread
    atomic_charges, atomic_charge_spreads = (
        prediction.atomic_charges,
        prediction.atomic_charges_spread,
    )
    dipoles, spreads = prediction.atomic_dipoles, prediction.atomic_dipoles_spread
    rows: list[Row] = []
    for atom, number in enumerate(molecule.atomic_numbers):
        position = molecule.positions[atom] * BOHR_IN_ANGSTROM
        row: Row = {"name": molecule.id, "atom": atom + 1, "element": chemical_symbols[number]}
        row |= columns("{}_angstrom", DIPOLE_COMPONENTS, position)
        row["charge_e"] = charges[atom]
        row["charge_spread_e"] = charge_spreads[atom]
        row["atomic_charge_e"] = atomic_charges[atom]
        row["atomic_charge_spread_e"] = atomic_charge_spreads[atom]
        if dipoles is not None and spreads is not None:
            row |= columns("atomic_dipole_{}_e_bohr", DIPOLE_COMPONENTS, dipoles[atom])
            row |= columns("atomic_dipole_{}_spread_e_bohr", DIPOLE_COMPONENTS, spreads[atom])
        rows.append(row)
    return rows


def write_table(path: Path, rows: Sequence[Row]) -> None:
    """Write rows with the same keys as a CSV file; what is not a number is left empty."""
    write_csv(pd.DataFrame(list(rows)), path, _NUMBERS)


def columns(name: str, labels: Iterable[str], values: FloatArray) -> Row:
    """Return ``values`` by column, whose names are ``name`` with each label in its braces."""
    pairs = zip(labels, np.asarray(values).tolist(), strict=True)
    return {name.format(label): value for label, value in pairs}

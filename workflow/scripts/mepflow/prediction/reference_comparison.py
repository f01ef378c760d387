"""Predictions against a calculation: multipoles and MEP by density-functional theory."""

import logging
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from mepflow.evaluation.mep_errors import mep_errors
from mepflow.molecules import Molecule
from mepflow.multipoles import DIPOLE_COMPONENTS, QUADRUPOLE_COMPONENTS, components
from mepflow.prediction.csv_tables import Row, columns
from mepflow.prediction.result import Prediction
from mepflow.prediction.surface_tables import MappedSurface
from mepflow.qm.levels import LevelOfTheory
from mepflow.qm.reference_record import reference_record
from mepflow.units import E_BOHR_IN_DEBYE, HARTREE_PER_E_IN_KCAL_PER_MOL_E

SURFACE: Final = {
    "kind": "surface", "scale": 1.0, "spacing_angstrom": 0.25, "smoothing_angstrom": 0.1,
}  # fmt: skip
"""Settings of the surface that a reference is computed on."""
LONG_SECONDS: Final = 120.0
"""A calculation that is expected to take longer is announced."""
# From the embedded run, on one core: 2 s for 22 electrons, 12 s for 46, 31 s for 62.
_SECONDS_PER_ELECTRON3: Final = 1.3e-4

logger = logging.getLogger(__name__)


def expected_seconds(molecule: Molecule) -> float:
    """Return roughly how long one core computes at QM9's level with density fitting.

    The time grows with about the third power of the number of electrons.
    """
    electrons = int(molecule.atomic_numbers.astype(int).sum()) - molecule.total_charge
    return float(_SECONDS_PER_ELECTRON3 * electrons**3)


def announce_long(molecule: Molecule) -> None:
    """Log a warning where a molecule is expected to take more than :data:`LONG_SECONDS`."""
    seconds = expected_seconds(molecule)
    if seconds > LONG_SECONDS:
        logger.warning(
            "%s: its reference will take about %.0f minutes of one core at QM9's level, and "
            "several times that with a larger basis.",
            molecule.id,
            seconds / 60.0,
        )


def reference_row(
    prediction: Prediction,
    level: LevelOfTheory,
    grid: Mapping[str, Any],
    threads: int = 1,
    surfaces: list[MappedSurface] | None = None,
) -> Row:
    """Compute a molecule at ``level`` and return its row of ``reference.csv``.

    The potential on its van der Waals surface is added to ``surfaces``, if they are given.

    The errors of the MEP are over the points of ``grid``, a row of ``grids``: RMSE, mean absolute
    error, and RMSE relative to the root mean square of the reference. A calculation that fails has
    nothing but the reason.
    """
    molecule = prediction.molecule
    grids = {"grid": grid} if surfaces is None else {"grid": grid, "surface": SURFACE}
    record = reference_record(molecule, level, grids, threads)
    row: Row = {"name": molecule.id, "level": level.name, "failure": str(record["failure"])}
    dipole, quadrupole = record["dipole"], components(record["quadrupole"])
    dipole_error = prediction.dipole - dipole
    quadrupole_error = components(prediction.quadrupole) - quadrupole
    row |= _mep_columns(prediction, record) if not row["failure"] else {}
    if surfaces is not None and not row["failure"]:
        surfaces.append(MappedSurface.of_reference(prediction, record["mep/surface"], SURFACE))
    row |= {
        "dipole_error_norm_debye": float(np.linalg.norm(dipole_error)) * E_BOHR_IN_DEBYE,
        "theta_prime_rmse_e_bohr2": float(np.sqrt(np.mean(quadrupole_error**2))),
        **columns("reference_dipole_{}_e_bohr", DIPOLE_COMPONENTS, dipole),
        "reference_dipole_norm_debye": float(np.linalg.norm(dipole)) * E_BOHR_IN_DEBYE,
        **columns("reference_theta_prime_{}_e_bohr2", QUADRUPOLE_COMPONENTS, quadrupole),
        "wall_time_s": float(record["wall_time"]),
    }
    return row


def _mep_columns(prediction: Prediction, record: Mapping[str, Any]) -> Row:
    errors = mep_errors(record["mep/grid"], prediction.potential(record["points/grid"]))
    return {
        "n_points": errors.n_points,
        "mep_rmse_kcal_per_mol_e": errors.rmse * HARTREE_PER_E_IN_KCAL_PER_MOL_E,
        "mep_mae_kcal_per_mol_e": errors.mae * HARTREE_PER_E_IN_KCAL_PER_MOL_E,
        "mep_relative_rmse": errors.relative_rmse,
    }

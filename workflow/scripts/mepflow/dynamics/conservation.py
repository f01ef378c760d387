"""How well a dynamics keeps its energy, and how warm it is."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from mepflow.dynamics.rigid_motion import vibrational_freedom
from mepflow.dynamics.trajectory import Trajectory
from mepflow.units import HARTREE_IN_KCAL_PER_MOL, KELVIN_IN_HARTREE

FloatArray = npt.NDArray[np.float64]

_SHOWN: Final = 500
"""Times of a replica that a picture of the energy shows."""


def conservation(trajectory: Trajectory) -> pd.DataFrame:
    """Return a row per replica: temperature in K, drift and fluctuation of the conserved energy.

    The drift is the slope of a straight line through the energy in kcal/mol/ps, the fluctuation
    the root mean square about it in kcal/mol. Both are nan where there are not two steps.
    """
    rows = []
    freedom = vibrational_freedom(trajectory.positions[0, 0], trajectory.masses)
    kinetic = trajectory.kinetic.mean(axis=1)
    for replica, energy in enumerate(trajectory.conserved * HARTREE_IN_KCAL_PER_MOL):
        drift, fluctuation = np.nan, np.nan
        if len(energy) > 1:
            time = 1e-3 * trajectory.step_fs * np.arange(len(energy))
            line = np.polynomial.Polynomial.fit(time, energy, 1)
            drift = float(line.deriv()(0.0))
            fluctuation = float(np.std(energy - line(time)))
        rows.append(
            {
                "replica": replica,
                "temperature_k": float(2.0 * kinetic[replica] / freedom / KELVIN_IN_HARTREE),
                "drift_kcal_per_mol_ps": drift,
                "fluctuation_kcal_per_mol": fluctuation,
            }
        )
    return pd.DataFrame(rows)


def mean_drift(rows: pd.DataFrame) -> tuple[float, float]:
    """Return the mean drift of rows of :func:`conservation`, and its standard error."""
    drift = rows["drift_kcal_per_mol_ps"]
    return float(drift.mean()), float(drift.std() / np.sqrt(len(drift)))


def energy_series(trajectory: Trajectory) -> pd.DataFrame:
    """Return the conserved energy less its mean over time, for a picture.

    Rows of replica, time in ps and energy in kcal/mol, at most some hundred of a replica.
    """
    energies = trajectory.conserved * HARTREE_IN_KCAL_PER_MOL
    every = max(1, energies.shape[1] // _SHOWN)
    shown = (energies - energies.mean(axis=1, keepdims=True))[:, ::every]
    time = 1e-3 * trajectory.step_fs * every * np.arange(shown.shape[1])
    replica = np.repeat(np.arange(len(shown)), shown.shape[1])
    columns = {"replica": replica, "time_ps": np.tile(time, len(shown))}
    return pd.DataFrame(columns | {"energy_kcal_per_mol": shown.ravel()})

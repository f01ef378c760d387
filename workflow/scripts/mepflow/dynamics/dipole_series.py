"""Dipoles over time, of a trajectory of ours or of frames of any program."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ase.calculators.calculator import PropertyNotImplementedError
from ase.io import read

from mepflow.dynamics.trajectory import Trajectory
from mepflow.errors import ConfigError, InputError
from mepflow.storage.damage import DAMAGE, reason
from mepflow.storage.unreadable import check_readable
from mepflow.units import ANGSTROM_IN_BOHR

FloatArray = npt.NDArray[np.float64]

_OURS: Final = (".h5", ".hdf5")


@dataclass(frozen=True)
class DipoleSeries:
    """Dipoles (R, T, 3) in e·bohr of replicas, ``interval_fs`` apart, at a temperature.

    ``verlet_step_fs`` is the step of the integrator.
    """

    dipoles: FloatArray
    interval_fs: float
    verlet_step_fs: float
    temperature_k: float


def read_dipoles(
    paths: Sequence[Path],
    interval_fs: float | None = None,
    verlet_step_fs: float | None = None,
    temperature_k: float | None = None,
) -> DipoleSeries:
    """Return the dipoles of a trajectory in HDF5, or of files of frames, each of a replica.

    Frames are what ASE reads with ``dipole`` in e·Å, as extended XYZ. ``interval_fs`` is the time
    between two of them, ``verlet_step_fs`` the step of the dynamics (the interval if None); a
    trajectory in HDF5 knows these, which must then be None, and the temperature. Raises
    :class:`InputError` for a file that holds no dipoles, and :class:`ConfigError` where a number is
    missing or cannot be.
    """
    for path in paths:
        check_readable(path)
    if paths[0].suffix in _OURS:
        if len(paths) > 1:
            raise ConfigError("Give one trajectory in HDF5, or several files of frames.")
        if interval_fs is not None or verlet_step_fs is not None:
            raise ConfigError(
                f"{paths[0]} holds every step and its length: leave out --interval and --step."
            )
        found = Trajectory.load(paths[0])
        if found.stopped and not found.dipoles.size:
            raise InputError(f"{paths[0]} holds no step: {found.stopped}")
        kelvin = found.temperature_k if temperature_k is None else temperature_k
        if not kelvin > 0.0:
            raise ConfigError(f"{paths[0]} is of {kelvin:g} K: give --temperature in K, above 0.")
        return DipoleSeries(found.dipoles, found.step_fs, found.step_fs, kelvin)
    if interval_fs is None or temperature_k is None:
        raise ConfigError(
            f"{paths[0]} tells neither the time between its frames nor the temperature: give"
            " --interval in fs and --temperature in K."
        )
    if verlet_step_fs is not None and verlet_step_fs > interval_fs:
        raise ConfigError(
            f"--step is {verlet_step_fs:g} fs and --interval {interval_fs:g} fs: the time between"
            " two frames is one step or more."
        )
    replicas = [_of_frames(path) for path in paths]
    shortest = min(map(len, replicas))
    dipoles = np.stack([one[:shortest] for one in replicas])
    return DipoleSeries(dipoles, interval_fs, verlet_step_fs or interval_fs, temperature_k)


def _of_frames(path: Path) -> FloatArray:
    try:
        frames: Any = read(path, index=":")
    except (*DAMAGE, StopIteration) as error:
        raise InputError(
            f"{path} is no file of frames that ASE reads ({reason(error)}): write extended XYZ."
        ) from error
    dipoles = [_dipole(atoms) for atoms in frames]
    for number, dipole in enumerate(dipoles, start=1):
        if np.shape(dipole) != (3,):
            raise InputError(
                f"{path}: frame {number} has no dipole of three numbers: write each frame with"
                " dipole in e·Å."
            )
    return np.array(dipoles) * ANGSTROM_IN_BOHR


def _dipole(atoms: Any) -> Any:
    if "dipole" in atoms.info:
        return atoms.info["dipole"]
    if atoms.calc is None:
        return None
    try:
        return atoms.get_dipole_moment()
    except PropertyNotImplementedError:
        return None

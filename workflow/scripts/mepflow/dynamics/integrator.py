r"""Steps of velocity Verlet and of Langevin dynamics, for all replicas at once.

A step is BAOAB (B. Leimkuhler, C. Matthews, J. Chem. Phys. 138, 174102 (2013)): half a kick by the
forces, half a drift, friction and noise

.. math:: v \leftarrow e^{-\gamma \Delta t} v + \sqrt{(1 - e^{-2 \gamma \Delta t}) k T / m} \; \xi,

half a drift, half a kick. Without friction that is velocity Verlet. For harmonic vibrations the
positions have the exact distribution at any step. The noise has no share in rigid motion.

ASE's integrators move one molecule at a time. These move replicas in one call of the surface, and
a step's noise follows from seed and step alone, so that an interrupted dynamics goes on to the
same bits.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mepflow.dynamics.force_functions import Evaluated, ForceFunction
from mepflow.dynamics.rigid_motion import without_rigid_motion

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Thermostat:
    """Friction (per atomic unit of time) and temperature (kT in hartree) of Langevin dynamics."""

    friction: float
    temperature: float


@dataclass(frozen=True)
class State:
    """R replicas between two steps, in atomic units.

    ``heat`` (R,) is what the thermostat has given each so far: energy less heat is conserved.
    """

    positions: FloatArray
    velocities: FloatArray
    evaluated: Evaluated
    heat: FloatArray


def kinetic_energy(velocities: FloatArray, masses: FloatArray) -> FloatArray:
    """Return the kinetic energies (R,) of velocities (R, n, 3) and masses (n,)."""
    return np.asarray(0.5 * np.einsum("n,rni->r", masses, velocities**2))


def next_state(
    state: State,
    surface: ForceFunction,
    masses: FloatArray,
    time_step: float,
    thermostat: Thermostat,
    noise: FloatArray | None,
) -> State:
    """Return the state after a step of ``time_step``; ``noise`` (R, n, 3) is normal, or nothing.

    Masses (n,) are in electron masses. A thermostat without friction asks for no noise.
    """
    m = masses[:, None]
    velocities = state.velocities + 0.5 * time_step / m * state.evaluated.forces
    heat = state.heat
    if noise is None:
        positions = state.positions + time_step * velocities
    else:
        positions = state.positions + 0.5 * time_step * velocities
        before = kinetic_energy(velocities, masses)
        velocities = _thermalized(velocities, positions, masses, time_step, thermostat, noise)
        heat = heat + kinetic_energy(velocities, masses) - before
        positions = positions + 0.5 * time_step * velocities
    evaluated = surface(positions)
    velocities = velocities + 0.5 * time_step / m * evaluated.forces
    return State(positions, velocities, evaluated, heat)


def _thermalized(
    velocities: FloatArray,
    positions: FloatArray,
    masses: FloatArray,
    time_step: float,
    thermostat: Thermostat,
    noise: FloatArray,
) -> FloatArray:
    kept = math.exp(-thermostat.friction * time_step)
    spread = np.sqrt((1.0 - kept * kept) * thermostat.temperature / masses)[:, None]
    return without_rigid_motion(kept * velocities + spread * noise, positions, masses)


def normal_noise(seed: int, step: int, shape: tuple[int, ...]) -> FloatArray:
    """Return normal numbers that seed and step alone decide."""
    bits = np.random.Philox(key=np.array([seed, step], dtype=np.uint64))
    return np.random.Generator(bits).standard_normal(shape)


def thermal_velocities(
    positions: FloatArray, masses: FloatArray, temperature: float, seed: int
) -> FloatArray:
    """Return Maxwell's velocities (R, n, 3) at kT in hartree, without rigid motion."""
    drawn = normal_noise(seed, 0, positions.shape) * np.sqrt(temperature / masses)[:, None]
    return without_rigid_motion(drawn, positions, masses)

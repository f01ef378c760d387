"""Steps of a dynamics against ASE's, the conserved energy, and the temperature."""

from typing import Any

import numpy as np
import pytest
from ase import Atoms, units
from ase.md.velocitydistribution import Stationary, ZeroRotation
from ase.md.verlet import VelocityVerlet

from dynamics_cases import MASSES, NUMBERS, PLACES, Springs, exact_modes
from mepflow.dynamics.calculator_forces import SurfaceCalculator
from mepflow.dynamics.integrator import (
    State,
    Thermostat,
    kinetic_energy,
    next_state,
    normal_noise,
    thermal_velocities,
)
from mepflow.dynamics.rigid_motion import vibrational_freedom, without_rigid_motion
from mepflow.units import (
    ATOMIC_TIME_IN_FEMTOSECOND,
    BOHR_IN_ANGSTROM,
    DALTON_IN_ELECTRON_MASS,
    KELVIN_IN_HARTREE,
    WAVENUMBER_IN_HARTREE,
)

FREE = Thermostat(0.0, 0.0)


def start(replicas: int, kelvin: float) -> State:
    positions = np.broadcast_to(PLACES, (replicas, *PLACES.shape)).copy()
    velocities = thermal_velocities(positions, MASSES, kelvin * KELVIN_IN_HARTREE, 3)
    return State(positions, velocities, Springs()(positions), np.zeros(replicas))


def run(state: State, step_fs: float, steps: int, bath: Thermostat = FREE) -> list[State]:
    states = [state]
    for number in range(1, steps + 1):
        noise = normal_noise(7, number, state.positions.shape) if bath.friction else None
        time_step = step_fs / ATOMIC_TIME_IN_FEMTOSECOND
        states.append(next_state(states[-1], Springs(), MASSES, time_step, bath, noise))
    return states


def total(states: list[State]) -> np.ndarray:
    return np.array(
        [s.evaluated.energy + kinetic_energy(s.velocities, MASSES) - s.heat for s in states]
    )


def test_without_friction_it_is_the_velocity_verlet_of_ase() -> None:
    state = start(2, 300.0)
    atoms: Any = Atoms(NUMBERS, PLACES * BOHR_IN_ANGSTROM, calculator=SurfaceCalculator(Springs()))
    atoms.set_masses(MASSES / DALTON_IN_ELECTRON_MASS)
    # In ASE's units of time; those of CODATA differ from ours by some 1e-8.
    factor = BOHR_IN_ANGSTROM / (ATOMIC_TIME_IN_FEMTOSECOND * units.fs)
    atoms.set_velocities(state.velocities[1] * factor)
    VelocityVerlet(atoms, timestep=0.5 * units.fs).run(200)
    ours = run(state, 0.5, 200)[-1].positions[1] * BOHR_IN_ANGSTROM
    np.testing.assert_allclose(atoms.get_positions(), ours, rtol=0, atol=2e-6)
    assert np.abs(ours - PLACES * BOHR_IN_ANGSTROM).max() > 0.005


def test_rigid_motion_is_removed_as_ase_does_and_stays_away() -> None:
    rng = np.random.default_rng(1)
    velocities, positions = rng.normal(size=(2, 4, 3, 3))
    for number, still in enumerate(without_rigid_motion(velocities, positions, MASSES)):
        atoms: Any = Atoms(NUMBERS, positions[number], velocities=velocities[number])
        atoms.set_masses(MASSES)
        atoms.set_velocities(velocities[number])
        Stationary(atoms, preserve_temperature=False)
        ZeroRotation(atoms, preserve_temperature=False)
        np.testing.assert_allclose(still, atoms.get_velocities(), rtol=0, atol=1e-12)
    state = run(start(3, 600.0), 0.5, 100, Thermostat(1e-3, 600.0 * KELVIN_IN_HARTREE))[-1]
    momentum = MASSES[:, None] * state.velocities
    centred = state.positions - np.einsum("n,rni->ri", MASSES, state.positions)[:, None] / sum(
        MASSES
    )
    assert np.abs(momentum.sum(axis=1)).max() < 1e-10
    assert np.abs(np.cross(centred, momentum).sum(axis=1)).max() < 1e-9
    assert np.abs(momentum).max() > 1.0


def test_a_linear_molecule_has_five_rigid_motions() -> None:
    positions = np.array([[0.0, 0.0, -2.2], [0.0, 0.0, 0.0], [0.0, 0.0, 2.2]])
    masses = np.array([16.0, 12.0, 16.0])
    assert vibrational_freedom(positions, masses) == 4
    assert vibrational_freedom(PLACES, MASSES) == 3
    axis = np.array([0.3, 0.5, 0.0])
    turning = np.cross(axis, positions)[None]
    np.testing.assert_allclose(
        without_rigid_motion(turning, positions[None], masses), 0.0, atol=1e-14
    )


def test_half_the_step_divides_the_energy_s_fluctuation_by_four() -> None:
    coarse, fine = (
        total(run(start(8, 300.0), step, round(200 / step))).std(axis=0) for step in (0.8, 0.4)
    )
    np.testing.assert_allclose(coarse / fine, 4.0, rtol=0.1)


@pytest.mark.parametrize("friction_per_fs", [0.0, 0.02])
def test_energy_less_heat_does_not_drift(friction_per_fs: float) -> None:
    bath = Thermostat(friction_per_fs * ATOMIC_TIME_IN_FEMTOSECOND, 300.0 * KELVIN_IN_HARTREE)
    states = run(start(16, 300.0), 0.25, 1000, bath)
    energies = total(states)
    slope = np.polyfit(0.25e-3 * np.arange(len(energies)), energies, 1)[0]
    # hartree/ps. Of 0.25 ps, the slope is the fluctuation's; a forgotten heat makes it 1e-3.
    assert abs(slope.mean()) < 2e-5
    moved = np.ptp([kinetic_energy(s.velocities, MASSES) for s in states], axis=0)
    assert moved.mean() > 5e-4


def test_langevin_has_the_distribution_that_is_known_for_springs() -> None:
    """Positions are exact at any step, velocities are by (ω Δt)²/4 too slow."""
    kt = 100.0 * KELVIN_IN_HARTREE  # springs that turn are harmonic for small amplitudes alone
    bath = Thermostat(0.05 * ATOMIC_TIME_IN_FEMTOSECOND, kt)
    states = run(start(600, 100.0), 1.0, 300, bath)[60::20]
    kinetic = np.array([kinetic_energy(s.velocities, MASSES) for s in states]) / kt
    potential = np.array([s.evaluated.energy for s in states]) / kt
    phase = exact_modes()[0] * WAVENUMBER_IN_HARTREE / ATOMIC_TIME_IN_FEMTOSECOND
    error = np.sqrt(1.5 / kinetic.size)  # of the mean of χ² of three degrees of freedom
    assert kinetic.mean() == pytest.approx((0.5 * (1.0 - phase**2 / 4.0)).sum(), abs=5.0 * error)
    assert potential.mean() == pytest.approx(1.5, abs=5.0 * error)
    assert error < 0.015
    assert (phase**2 / 8.0).sum() > 8.0 * error


def test_noise_follows_from_seed_and_step_alone() -> None:
    first = normal_noise(1, 5, (2, 3))
    normal_noise(1, 6, (2, 3))
    np.testing.assert_array_equal(first, normal_noise(1, 5, (2, 3)))
    assert not np.isclose(first, normal_noise(1, 6, (2, 3))).any()
    assert not np.isclose(first, normal_noise(2, 5, (2, 3))).any()

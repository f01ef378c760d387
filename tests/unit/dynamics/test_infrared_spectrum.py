"""Spectra of oscillators with known wavenumbers and intensities."""

import json
from pathlib import Path

import numpy as np
import pytest

from dynamics_cases import MASSES, PLACES, WATER, Springs, exact_modes
from mepflow.dynamics.dynamics_run import run_dynamics
from mepflow.dynamics.dynamics_settings import DynamicsSettings
from mepflow.dynamics.force_functions import Evaluated
from mepflow.dynamics.harmonic_file import read_modes, write_modes
from mepflow.dynamics.harmonic_modes import harmonic_modes
from mepflow.dynamics.infrared_spectrum import autocorrelation_spectrum, infrared_spectrum
from mepflow.errors import InputError
from mepflow.units import (
    ATOMIC_TIME_IN_FEMTOSECOND,
    E2_PER_ELECTRON_MASS_IN_KM_PER_MOL,
    KELVIN_IN_HARTREE,
    WAVENUMBER_IN_HARTREE,
)

KELVIN = 300.0
LINES = {500.0: 30.0, 1700.0: 200.0, 3700.0: 60.0}
"""Intensities in km/mol by wavenumber in cm⁻¹."""


def oscillating(step_fs: float, steps: int, *, verlet: bool) -> np.ndarray:
    """Return dipoles (2, T, 3) of modes with the energy kT, exact or as Verlet moves them."""
    time = np.arange(steps) * step_fs / ATOMIC_TIME_IN_FEMTOSECOND
    dipoles = np.zeros((2, steps, 3))
    for number, (wavenumber, intensity) in enumerate(LINES.items()):
        omega = wavenumber * WAVENUMBER_IN_HARTREE
        amplitude = np.sqrt(2.0 * KELVIN * KELVIN_IN_HARTREE) / omega
        slope = np.sqrt(intensity / E2_PER_ELECTRON_MASS_IN_KM_PER_MOL)
        step = step_fs / ATOMIC_TIME_IN_FEMTOSECOND
        moved = 2.0 / step * np.arcsin(omega * step / 2.0) if verlet else omega
        for replica in range(2):
            wave = slope * amplitude * np.cos(moved * time + 0.7 * number + replica)
            dipoles[replica, :, number] += wave
    return dipoles


@pytest.mark.parametrize("verlet", [True, False])
@pytest.mark.parametrize("step_fs", [0.25, 1.0])
def test_positions_and_areas_are_those_of_the_oscillators(verlet: bool, step_fs: float) -> None:
    dipoles = oscillating(step_fs, round(12000 / step_fs), verlet=verlet)
    spectrum = infrared_spectrum(
        dipoles, step_fs, KELVIN, 4.0, verlet_step_fs=step_fs if verlet else None
    )
    for wavenumber, intensity in LINES.items():
        area, error, centre = spectrum.band(wavenumber - 150.0, wavenumber + 150.0)
        assert area == pytest.approx(intensity, rel=4e-3)
        assert centre == pytest.approx(wavenumber, abs=0.3)
        assert error < 0.02 * intensity
        peak = spectrum.wavenumbers[np.argmax(spectrum.absorption * _near(spectrum, wavenumber))]
        assert peak == pytest.approx(wavenumber, abs=8.4)  # the distance of two wavenumbers


def _near(spectrum, wavenumber: float) -> np.ndarray:
    return np.abs(spectrum.wavenumbers - wavenumber) < 150.0


def test_verlet_s_shift_shows_where_it_is_not_put_right() -> None:
    dipoles = oscillating(1.0, 12000, verlet=True)
    centre = infrared_spectrum(dipoles, 1.0, KELVIN, 4.0).band(3600.0, 3900.0)[2]
    step = 1.0 / ATOMIC_TIME_IN_FEMTOSECOND
    omega = 3700.0 * WAVENUMBER_IN_HARTREE
    shifted = 2.0 / step * np.arcsin(omega * step / 2.0) / WAVENUMBER_IN_HARTREE
    assert shifted > 3770.0
    assert centre == pytest.approx(shifted, abs=0.5)


def test_dipoles_of_every_second_step_give_the_same_areas() -> None:
    dipoles = oscillating(0.5, 24000, verlet=True)[:, ::2]
    spectrum = infrared_spectrum(dipoles, 1.0, KELVIN, 4.0, verlet_step_fs=0.5)
    for wavenumber, intensity in LINES.items():
        area, _, centre = spectrum.band(wavenumber - 150.0, wavenumber + 150.0)
        assert area == pytest.approx(intensity, rel=4e-3)
        assert centre == pytest.approx(wavenumber, abs=0.3)


def test_a_longer_window_makes_lines_narrower_and_leaves_their_area() -> None:
    dipoles = oscillating(0.5, 24000, verlet=False)
    heights, areas = [], []
    for window in (2.0, 4.0):
        spectrum = infrared_spectrum(dipoles, 0.5, KELVIN, window)
        heights.append(spectrum.absorption[_near(spectrum, 1700.0)].max())
        areas.append(spectrum.band(1550.0, 1850.0)[0])
    assert heights[1] / heights[0] == pytest.approx(2.0, rel=0.15)
    assert areas[1] == pytest.approx(areas[0], rel=5e-3)


def test_the_published_recipe_puts_bands_between_negative_lobes() -> None:
    """A window that is 0 at the lag 0 leaves no area, once ν² is taken away again."""
    dipoles = oscillating(0.5, 4000, verlet=False)
    spectrum = autocorrelation_spectrum(dipoles, 0.5, KELVIN)
    nu = spectrum.wavenumbers[1:]
    per_square = spectrum.absorption[1:] / nu**2
    near = np.abs(nu - 1700.0) < 150.0
    peak = nu[np.argmax(np.abs(spectrum.absorption[1:]) * near)]
    assert peak == pytest.approx(1700.0, abs=2 * nu[0])
    assert spectrum.absorption.min() < -0.2 * spectrum.absorption.max()
    assert abs(per_square[near].sum()) < 1e-2 * np.abs(per_square[near]).sum()


def test_areas_of_a_dynamics_are_the_harmonic_intensities(tmp_path) -> None:
    """Of the springs, which are nearly harmonic at 30 K."""
    settings = DynamicsSettings(
        replicas=300,
        temperature_k=30.0,
        step_fs=1.0,
        equilibration_ps=0.2,
        length_ps=0.8,
        friction_per_ps=50.0,
        frame_interval=100,
    )
    found = run_dynamics(WATER, Springs(), settings, tmp_path)
    spectrum = infrared_spectrum(found.dipoles, 1.0, 30.0, 0.4, verlet_step_fs=1.0)
    for wavenumber, intensity in zip(*exact_modes(), strict=True):
        area, error, centre = spectrum.band(wavenumber - 230.0, wavenumber + 230.0)
        assert error < 0.08 * intensity
        assert area == pytest.approx(intensity, abs=4.0 * error)
        assert centre == pytest.approx(wavenumber, abs=6.0)


def test_harmonic_modes_are_the_exact_ones() -> None:
    wavenumbers, intensities = exact_modes()
    found = harmonic_modes(WATER.atomic_numbers, PLACES, Springs(), displacement=1e-3)
    np.testing.assert_allclose(found.wavenumbers, wavenumbers, rtol=1e-6)
    np.testing.assert_allclose(found.intensities, intensities, rtol=1e-6)
    assert np.diff(wavenumbers).min() > 300.0
    flat = found.modes.reshape(3, -1)
    np.testing.assert_allclose(flat @ flat.T, np.eye(3), atol=1e-12)
    moved = np.sqrt(MASSES)[:, None] * found.modes
    np.testing.assert_allclose(moved.sum(axis=1), 0.0, atol=1e-9)


@pytest.mark.parametrize(
    ("dipoles", "sentence"),
    [
        (np.zeros((1, 1000, 3)), "has 0.499 ps of dipoles, a window of the spectrum 2.0 ps"),
        (np.full((1, 9000, 3), np.nan), "The dynamics has no dipoles"),
        (np.zeros((1, 0, 3)), "The dynamics has no dipoles"),
    ],
)
def test_dipoles_that_make_no_spectrum_are_refused(dipoles: np.ndarray, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        infrared_spectrum(dipoles, 0.5, 300.0, 2.0)


def test_modes_without_dipoles_are_json_and_come_back(tmp_path: Path) -> None:
    class Dark(Springs):
        def __call__(self, positions: np.ndarray) -> Evaluated:
            return super().__call__(positions)._replace(dipole=np.full((len(positions), 3), np.nan))

    found = harmonic_modes(WATER.atomic_numbers, PLACES, Dark(), displacement=1e-3)
    write_modes(tmp_path / "modes.json", found)
    content = json.loads((tmp_path / "modes.json").read_text(), parse_constant=pytest.fail)
    assert "intensities_km_per_mol" not in content
    again = read_modes(tmp_path / "modes.json")
    assert np.isnan(again.intensities).all()
    np.testing.assert_allclose(again.wavenumbers, found.wavenumbers, atol=1e-3)

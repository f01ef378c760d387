"""Energy, bands, matched modes and moving surfaces of what is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dynamics_cases import NUMBERS, PLACES, Springs, exact_modes
from energy_cases import energy_model
from mepflow.dynamics.conservation import conservation, energy_series, mean_drift
from mepflow.dynamics.harmonic_file import read_modes, write_modes
from mepflow.dynamics.harmonic_modes import HarmonicModes, harmonic_modes
from mepflow.dynamics.infrared_spectrum import Spectrum
from mepflow.dynamics.learned_surfaces import load_potentials
from mepflow.dynamics.mode_matching import matched_modes
from mepflow.dynamics.spectrum_bands import band_areas
from mepflow.dynamics.surface_motion import SurfaceMotion, riding_points, surface_motion
from mepflow.dynamics.trajectory import Trajectory
from mepflow.errors import InputError
from mepflow.geometry.surfaces import van_der_waals_surface
from mepflow.models.model_file import save_model
from mepflow.units import HARTREE_IN_KCAL_PER_MOL, KELVIN_IN_HARTREE


def trajectory(positions: np.ndarray, steps: int = 41) -> Trajectory:
    """Return two replicas whose energy rises by 1 and 2 kcal/mol/ps, at 100 and 200 K."""
    time = 0.5e-3 * np.arange(steps)
    rise = np.array([[1.0], [2.0]]) * time / HARTREE_IN_KCAL_PER_MOL
    kinetic = 1.5 * KELVIN_IN_HARTREE * np.array([[100.0], [200.0]]) + np.zeros(steps)
    return Trajectory(
        NUMBERS,
        np.array([15.999, 1.008, 1.008]),
        rise - kinetic + 3.0,
        kinetic,
        np.full((2, steps), 3.0),
        np.zeros((2, steps, 3)),
        positions,
        0.5,
        20,
        300.0,
        "test",
    )


def modes() -> HarmonicModes:
    return harmonic_modes(NUMBERS, PLACES, Springs(), 1e-3)


def test_drift_fluctuation_and_temperature() -> None:
    found = trajectory(np.broadcast_to(PLACES, (2, 3, 3, 3)))
    rows = conservation(found)
    np.testing.assert_allclose(rows["drift_kcal_per_mol_ps"], [1.0, 2.0], rtol=1e-9)
    np.testing.assert_allclose(rows["fluctuation_kcal_per_mol"], 0.0, atol=1e-9)
    np.testing.assert_allclose(rows["temperature_k"], [100.0, 200.0], rtol=1e-9)
    series = energy_series(found)
    last = series.groupby("replica").last()
    np.testing.assert_allclose(last["energy_kcal_per_mol"], [0.01, 0.02], rtol=1e-6)
    assert mean_drift(rows) == pytest.approx((1.5, 0.5), rel=1e-9)
    assert last["time_ps"].tolist() == [0.02, 0.02]


def test_modes_are_matched_by_what_moves(tmp_path: Path) -> None:
    reference = modes()
    turn = Rotation.from_euler("xyz", [0.3, -0.8, 1.9])
    order = [2, 0, 1]
    turned = replace(
        reference,
        positions=turn.apply(reference.positions) + 1.0,
        wavenumbers=reference.wavenumbers[order] + 10.0,
        intensities=reference.intensities[order] + 1.0,
        modes=-turn.apply(reference.modes[order].reshape(-1, 3)).reshape(3, 3, 3),
    )
    write_modes(tmp_path / "modes.json", turned)
    table = matched_modes(read_modes(tmp_path / "modes.json"), reference)
    np.testing.assert_allclose(table["overlap"], 1.0, atol=1e-5)
    shift = table["wavenumber_per_cm"] - table["reference_wavenumber_per_cm"]
    np.testing.assert_allclose(shift, 10.0, atol=1e-3)
    stronger = table["intensity_km_per_mol"] - table["reference_intensity_km_per_mol"]
    np.testing.assert_allclose(stronger, 1.0, atol=1e-3)
    other = replace(reference, atomic_numbers=NUMBERS[::-1])
    with pytest.raises(InputError, match="of springs and springs are of different molecules"):
        matched_modes(other, reference)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "is no file of harmonic modes"),
        ('{"format": "x"}', "its format is x"),
        ('{"format": "mepflow harmonic modes"}', "is no file of harmonic modes"),
    ],
)
def test_a_file_that_holds_no_modes_is_named(content: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "modes.json").write_text(content)
    with pytest.raises(InputError, match=sentence):
        read_modes(tmp_path / "modes.json")
    with pytest.raises(InputError, match=r"none\.json does not exist"):
        read_modes(tmp_path / "none.json")


def test_bands_beside_harmonic_sums() -> None:
    wavenumbers, intensities = exact_modes()
    nu = np.linspace(0.0, 4500.0, 9001)
    lines = [1.0 * ((nu > 1000.0) & (nu <= 1100.0)), 3.0 * ((nu > 1000.0) & (nu <= 1100.0))]
    ends = {"one": (900.0, 1200.0), "all": (0.0, 4500.0), "none": (10.0, 20.0)}
    table = band_areas(Spectrum(nu, np.array(lines)), ends, {"model": modes()})
    np.testing.assert_allclose(table["area_km_per_mol"], [200.0, 200.0, 0.0], rtol=1e-3)
    np.testing.assert_allclose(table["error_km_per_mol"], [100.0, 100.0, 0.0], rtol=1e-3)
    assert table["centre_per_cm"][0] == pytest.approx(1050.25, abs=0.1)
    assert table["model_km_per_mol"][1] == pytest.approx(intensities.sum(), rel=1e-6)
    centre = intensities @ wavenumbers / intensities.sum()
    assert table["model_centre_per_cm"][1] == pytest.approx(centre, rel=1e-6)


def test_points_ride_with_their_atoms() -> None:
    surface = van_der_waals_surface(NUMBERS, PLACES)
    turn = Rotation.from_euler("xyz", [0.4, 1.1, -2.0])
    stretched = PLACES.copy()
    stretched[1] *= 1.2
    frames = np.stack([turn.apply(PLACES) + 2.0, stretched])
    moved = riding_points(NUMBERS, PLACES, surface.vertices, frames)
    np.testing.assert_allclose(moved[0], turn.apply(surface.vertices) + 2.0, atol=1e-9)
    owner = (
        np.linalg.norm(surface.vertices[:, None] - PLACES, axis=-1) - [2.87, 2.08, 2.08]
    ).argmin(1)
    shift = moved[1] - surface.vertices
    np.testing.assert_allclose(
        shift[owner == 1], stretched[1] - PLACES[1] + 0 * shift[owner == 1], atol=1e-9
    )
    np.testing.assert_allclose(shift[owner == 2], 0.0, atol=1e-9)
    straight = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 2.2], [0.0, 0.0, -2.2]])
    with pytest.raises(InputError, match="atom 1 has no two neighbours that span a frame"):
        riding_points(np.array([6, 8, 8], dtype=np.uint8), straight, straight, straight[None])


def test_the_potential_of_a_molecule_that_only_turns_does_not_change(tmp_path: Path) -> None:
    model = energy_model("pinet2", electrostatics=True)
    save_model(tmp_path / "model.pt", model, model.state_dict(), {"seed": 1})
    turns = Rotation.from_euler("xyz", np.arange(12.0).reshape(4, 3))
    frames = np.stack([turn.apply(PLACES) for turn in turns]).reshape(2, 2, 3, 3)
    found = surface_motion(
        trajectory(frames), PLACES, load_potentials(tmp_path / "model.pt", None), 9
    )
    assert found.n_frames == 4
    np.testing.assert_allclose(found.mean, found.at_rest, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.spread, 0.0, atol=1e-9)
    assert np.ptp(found.at_rest) > 5e-4
    found.save(tmp_path / "surface.npz")
    again = SurfaceMotion.load(tmp_path / "surface.npz")
    np.testing.assert_array_equal(again.mean, found.mean)
    bent = frames.copy()
    bent[1, 1, 1] *= 1.1
    moved = surface_motion(
        trajectory(bent), PLACES, load_potentials(tmp_path / "model.pt", None), 9
    )
    assert moved.spread.max() > 1e-6

"""What a dynamics says, as files: energy, temperature, spectrum, bands, potential in motion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mepflow.dynamics.conservation import conservation, energy_series
from mepflow.dynamics.harmonic_file import read_modes
from mepflow.dynamics.infrared_spectrum import infrared_spectrum, spectrum_table
from mepflow.dynamics.learned_surfaces import load_potentials
from mepflow.dynamics.mode_matching import matched_modes
from mepflow.dynamics.spectrum_bands import band_areas
from mepflow.dynamics.surface_motion import surface_motion
from mepflow.dynamics.trajectory import Trajectory
from mepflow.electrostatics.penetration import Widths
from mepflow.storage.csv_file import write_csv


@dataclass(frozen=True)
class AnalysisFiles:
    """What is written: CSV files, and the potential on the surface as ``.npz``."""

    conservation: Path
    energies: Path
    spectrum: Path
    bands: Path
    modes: Path
    surface: Path


def analyse_dynamics(
    *,
    trajectory: Path,
    modes: Path,
    reference_modes: Path,
    model: Path,
    widths: Widths | None,
    window_ps: float,
    bands: Mapping[str, Sequence[float]],
    surface_frames: int,
    files: AnalysisFiles,
) -> None:
    """Analyse a dynamics of ``model``, beside its harmonic modes and those of a reference.

    ``bands`` are ends in cm⁻¹ by name. Raises :class:`~mepflow.errors.InputError` for a file that
    is none of these, or a dynamics shorter than ``window_ps``.
    """
    found = Trajectory.load(trajectory)
    own, reference = read_modes(modes), read_modes(reference_modes)
    spectrum = infrared_spectrum(
        found.dipoles,
        found.step_fs,
        found.temperature_k,
        window_ps,
        verlet_step_fs=found.step_fs,
    )
    write_csv(conservation(found), files.conservation)
    write_csv(energy_series(found), files.energies, "%.6g")
    write_csv(spectrum_table(spectrum), files.spectrum, "%.6g")
    areas = band_areas(spectrum, bands, {"harmonic": own, "reference": reference})
    write_csv(areas, files.bands, "%.6g")
    write_csv(matched_modes(own, reference), files.modes, "%.6g")
    moving = surface_motion(found, own.positions, load_potentials(model, widths), surface_frames)
    moving.save(files.surface)

"""The dynamics of a study: from models and a start to a trajectory and harmonic modes, as files."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from mepflow.dynamics.dynamics_run import run_dynamics
from mepflow.dynamics.dynamics_settings import DynamicsSettings
from mepflow.dynamics.harmonic_file import read_modes, write_modes
from mepflow.dynamics.harmonic_modes import harmonic_modes, minimum
from mepflow.dynamics.learned_surfaces import load_surface
from mepflow.dynamics.surface_errors import MODES_FORCE
from mepflow.molecules import Molecule

logger = logging.getLogger(__name__)


def run_model_dynamics(
    *,
    models: Sequence[Path],
    start: Path,
    settings: Mapping[str, Any],
    state_folder: Path,
    trajectory_path: Path,
    frames_path: Path,
    modes_path: Path,
    name: str,
    threads: int = 1,
    code: str = "",
) -> None:
    """Find the minimum of the first model next to a start, its modes, and the dynamics from there.

    ``start`` is a file of harmonic modes (:mod:`mepflow.dynamics.harmonic_file`), of which the
    geometry counts; ``settings`` a row of :class:`DynamicsSettings`. The other models say how sure
    the first one is. The frames are those of the first replica, as extended XYZ. The same call goes
    on in ``state_folder`` after any interruption. Raises
    :class:`~mepflow.errors.InputError`, :class:`~mepflow.errors.ConfigError` or
    :class:`~mepflow.errors.StateError` for bad files, settings or state.
    """
    torch.set_num_threads(threads)
    chosen = DynamicsSettings.from_row(settings)
    given = read_modes(start)
    molecule = Molecule(start.stem, given.atomic_numbers, given.positions)
    surface = load_surface(models, molecule, name)
    rest = minimum(molecule, surface, MODES_FORCE)
    modes = harmonic_modes(molecule.atomic_numbers, rest, surface)
    write_modes(modes_path, modes)
    found = run_dynamics(replace(molecule, positions=rest), surface, chosen, state_folder, code)
    found.write_extxyz(frames_path, 0)
    found.save(trajectory_path)
    length = 1e-3 * found.potential.shape[1] * chosen.step_fs
    logger.info("%.3f ps of %d replicas", length, chosen.replicas)

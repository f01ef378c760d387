"""Run a dynamics: from a molecule and a surface to a trajectory, resumable at any moment.

All that is done stands in a journal of a folder, which is written twice a minute: what was kept,
and the state to go on from. An interrupted dynamics goes on to the same bits where the surface
gives the same ones for the same positions.
"""

import hashlib
import json
import logging
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ase.data import atomic_masses

from mepflow.dynamics.domain_guard import DomainGuard, LeftDomainError
from mepflow.dynamics.dynamics_settings import DynamicsSettings
from mepflow.dynamics.force_functions import Evaluated, ForceFunction, SurfaceError
from mepflow.dynamics.integrator import (
    State,
    Thermostat,
    kinetic_energy,
    next_state,
    normal_noise,
    thermal_velocities,
)
from mepflow.dynamics.rigid_motion import without_rigid_motion
from mepflow.dynamics.trajectory import Trajectory
from mepflow.errors import StateError
from mepflow.molecules import Molecule
from mepflow.storage.journal import Journal, Record
from mepflow.units import DALTON_IN_ELECTRON_MASS

logger = logging.getLogger(__name__)

FloatArray = npt.NDArray[np.float64]

JOURNAL_NAME: Final = "dynamics.journal"
_SECONDS_PER_RECORD: Final = 30.0
_SAME_HARTREE: Final = 1e-4
"""Energies that differ by more are of different surfaces."""
_AGAIN: Final = "; what was before is kept. Mend the cause, then the same call goes on from there."


class Dynamics:
    """The course of a dynamics: its state, and what it has kept since the last record."""

    def __init__(
        self, start: Molecule, surface: ForceFunction, settings: DynamicsSettings, code: str = ""
    ) -> None:
        self.settings, self._surface = settings, surface
        self._start = start
        self.masses = atomic_masses[start.atomic_numbers]
        self._electron_masses = self.masses * DALTON_IN_ELECTRON_MASS
        self.guard = DomainGuard(start.atomic_numbers, start.positions, surface, settings)
        self.step = 0
        self.stopped = ""
        self.failed = False
        """Whether it stopped because the surface failed: another attempt may go on."""
        self.kept: dict[str, list[FloatArray]] = defaultdict(list)
        self.state: State | None = None
        self._decisive = {"settings": asdict(settings), "surface": surface.description}
        self._code = code

    @property
    def finished(self) -> bool:
        """Whether all steps are done, or the molecule has left the domain."""
        last = self.settings.equilibration_steps + self.settings.production_steps
        return bool(self.stopped) or self.step >= last

    def fingerprint(self) -> str:
        """Return a digest of what decides the result: settings, molecule, surface and code."""
        text = json.dumps([self._decisive, self._start.total_charge, self._code], sort_keys=True)
        digest = hashlib.sha256(text.encode())
        for values in (self._start.atomic_numbers, self._start.positions):
            digest.update(np.ascontiguousarray(values).tobytes())
        return digest.hexdigest()

    def begin(self) -> None:
        """Put all replicas at the start, with velocities of their own."""
        shape = (self.settings.replicas, *self._start.positions.shape)
        positions = np.broadcast_to(self._start.positions, shape).copy()
        velocities = thermal_velocities(
            positions, self._electron_masses, self.settings.temperature, self.settings.seed
        )
        heat = np.zeros(self.settings.replicas)
        self.state = State(positions, velocities, self._surface(positions), heat)

    def advance(self) -> None:
        """Do one step, and keep what it gives.

        A replica that leaves the domain stops all, and so does a surface that fails.
        """
        assert self.state is not None
        settings = self.settings
        time_ps = (self.step + 1) * settings.step_fs / 1000.0
        friction = settings.friction_at(self.step)
        noise = None
        if friction:
            noise = normal_noise(settings.seed, self.step + 1, self.state.positions.shape)
        try:
            state = next_state(
                self.state,
                self._surface,
                self._electron_masses,
                settings.time_step,
                Thermostat(friction, settings.temperature),
                noise,
            )
        except SurfaceError as error:
            self._stop(f"{error} at {time_ps:.3f} ps{_AGAIN}", failed=True)
            return
        produced = self.step + 1 - settings.equilibration_steps
        if produced == 0:
            state = self._at_rest(state)
        try:
            self.guard.check_energy(state, time_ps)
            if (self.step + 1) % settings.frame_interval == 0:
                self.guard.check_geometry(state, time_ps)
        except LeftDomainError as error:
            self._stop(str(error))
            return
        self.state = state
        self.step += 1
        if produced > 0:
            self._keep(state, produced - 1)

    def _stop(self, sentence: str, *, failed: bool = False) -> None:
        self.stopped, self.failed = sentence, failed
        logger.warning("%s", sentence)

    def _at_rest(self, state: State) -> State:
        """Return the state at which the thermostat ends, with neither momentum nor heat."""
        velocities = without_rigid_motion(state.velocities, state.positions, self._electron_masses)
        return State(state.positions, velocities, state.evaluated, np.zeros_like(state.heat))

    def _keep(self, state: State, number: int) -> None:
        self.kept["potential"].append(state.evaluated.energy)
        self.kept["kinetic"].append(kinetic_energy(state.velocities, self._electron_masses))
        self.kept["heat"].append(state.heat)
        self.kept["dipoles"].append(state.evaluated.dipole)
        if number % self.settings.frame_interval == 0:
            self.kept["positions"].append(state.positions)

    def record(self) -> dict[str, npt.ArrayLike]:
        """Return the state and what was kept since the last record, and keep it no longer."""
        assert self.state is not None
        state = self.state
        record: dict[str, npt.ArrayLike] = {
            "fingerprint": self.fingerprint(),
            "step": self.step,
            "stopped": "" if self.failed else self.stopped,
            "finished": self.finished and not self.failed,
            "state/positions": state.positions,
            "state/velocities": state.velocities,
            "state/heat": state.heat,
            **{f"state/{name}": values for name, values in state.evaluated._asdict().items()},
            **{f"kept/{name}": np.stack(values) for name, values in self.kept.items()},
        }
        self.kept.clear()
        return record

    def owns(self, record: Record) -> bool:
        """Return whether a record is of this dynamics, also by what its surface gives there.

        Calculators of one name may have other settings, and models other weights.
        """
        if str(record["fingerprint"]) != self.fingerprint():
            return False
        energies = self._surface(record["state/positions"]).energy
        return bool((np.abs(energies - record["state/energy"]) < _SAME_HARTREE).all())

    def restore(self, record: Record) -> None:
        """Go on from the state of a record."""
        self.step, self.stopped = int(record["step"]), str(record["stopped"])
        evaluated = Evaluated(*(record[f"state/{name}"] for name in Evaluated._fields))
        self.state = State(
            record["state/positions"], record["state/velocities"], evaluated, record["state/heat"]
        )

    def trajectory(self, records: list[Record]) -> Trajectory:
        """Return what all records have kept."""
        replicas, n_atoms = self.settings.replicas, len(self._start)
        empty = {
            **dict.fromkeys(("potential", "kinetic", "heat"), np.empty((0, replicas))),
            "dipoles": np.empty((0, replicas, 3)),
            "positions": np.empty((0, replicas, n_atoms, 3)),
        }
        columns: Mapping[str, Any] = {
            name: np.concatenate(
                [none, *(r[f"kept/{name}"] for r in records if f"kept/{name}" in r)]
            ).swapaxes(0, 1)
            for name, none in empty.items()
        }
        return Trajectory(
            atomic_numbers=self._start.atomic_numbers,
            masses=self.masses,
            **columns,
            step_fs=self.settings.step_fs,
            frame_interval=self.settings.frame_interval,
            temperature_k=self.settings.temperature_k,
            surface=self._surface.description,
            stopped=self.stopped,
        )


def run_dynamics(
    start: Molecule,
    surface: ForceFunction,
    settings: DynamicsSettings,
    folder: Path,
    code: str = "",
) -> Trajectory:
    """Run a dynamics to its end, or go on with one that ``folder`` holds, and return it.

    A molecule that leaves the domain ends it early, and so does a calculator that fails:
    :attr:`Trajectory.stopped` says why. After a failure the same call tries that step again. Raises
    :class:`SurfaceError` where the first step fails, and :class:`StateError` where the folder holds
    an unfinished dynamics of another molecule, surface, settings or ``code``; a finished one is
    superseded.
    """
    dynamics = Dynamics(start, surface, settings, code)
    journal = Journal(folder / JOURNAL_NAME)
    records = _own_records(journal, dynamics)
    if records:
        dynamics.restore(records[-1])
        logger.info("continuing after step %d", dynamics.step)
    else:
        dynamics.begin()
    last = time.monotonic()
    while not dynamics.finished:
        dynamics.advance()
        if dynamics.finished or time.monotonic() - last > _SECONDS_PER_RECORD:
            journal.append(dynamics.record())
            last = time.monotonic()
            logger.info("%.3f ps", dynamics.step * settings.step_fs / 1000.0)
    return dynamics.trajectory(journal.read())


def _own_records(journal: Journal, dynamics: Dynamics) -> list[Record]:
    """Return the records of a dynamics; those of another one that is finished are removed."""
    records = journal.read()
    if not records or dynamics.owns(records[-1]):
        return records
    if not records[-1]["finished"]:
        raise StateError(
            f"{journal.path.parent} holds a dynamics of another molecule, surface or settings that"
            " is half done: delete that folder to begin anew, or restore what changed to go on."
        )
    logger.info("%s holds a finished dynamics of other settings: beginning anew", journal.path)
    journal.path.unlink()
    return []

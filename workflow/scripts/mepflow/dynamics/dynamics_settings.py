"""Settings of a dynamics."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from mepflow.errors import ConfigError, choice
from mepflow.units import ATOMIC_TIME_IN_FEMTOSECOND, KELVIN_IN_HARTREE


@dataclass(frozen=True)
class DynamicsSettings:
    """What is run, in the units of the names.

    Every replica starts at the same geometry with velocities of its own, and is brought to the
    temperature by Langevin dynamics of ``equilibration_ps``, which is thrown away. What follows is
    kept: without ``production_friction_per_ps`` at constant energy, else coupled to the bath.
    ``frame_interval`` are steps between geometries that are kept; energies and dipoles are kept at
    every step. ``largest_stretch`` is how many times its first length a bond may be long, and
    ``largest_force_spread_ev_per_angstrom`` how far models may differ, before the dynamics stops.
    """

    replicas: int = 8
    temperature_k: float = 300.0
    step_fs: float = 0.5
    equilibration_ps: float = 1.0
    length_ps: float = 10.0
    friction_per_ps: float = 10.0
    production_friction_per_ps: float = 0.0
    frame_interval: int = 20
    seed: int = 1
    largest_stretch: float = 1.5
    largest_force_spread_ev_per_angstrom: float | None = None

    def __post_init__(self) -> None:
        for name in ("replicas", "step_fs", "length_ps", "frame_interval"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"dynamics: {name} is {getattr(self, name)}: it must be above 0.")
        for name in (
            *("temperature_k", "equilibration_ps", "friction_per_ps", "seed"),
            "production_friction_per_ps",
        ):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"dynamics: {name} is below 0: give 0 or more.")

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Return the settings of a row; raises :class:`ConfigError` for a key that is none."""
        known = [field.name for field in fields(cls)]
        for key in row:
            if key not in known:
                raise ConfigError(f"dynamics: there is no key {key}: {choice(key, known)}")
        return cls(**row)

    @property
    def time_step(self) -> float:
        """The step in atomic units of time."""
        return self.step_fs / ATOMIC_TIME_IN_FEMTOSECOND

    @property
    def temperature(self) -> float:
        """Boltzmann's constant times the temperature, in hartree."""
        return self.temperature_k * KELVIN_IN_HARTREE

    @property
    def equilibration_steps(self) -> int:
        """Steps that are thrown away."""
        return round(1000.0 * self.equilibration_ps / self.step_fs)

    @property
    def production_steps(self) -> int:
        """Steps that are kept, at least one."""
        return max(1, round(1000.0 * self.length_ps / self.step_fs))

    def friction_at(self, step: int) -> float:
        """Return the friction of a step, counted from 0, per atomic unit of time."""
        is_early = step < self.equilibration_steps
        per_ps = self.friction_per_ps if is_early else self.production_friction_per_ps
        return per_ps / 1000.0 * ATOMIC_TIME_IN_FEMTOSECOND

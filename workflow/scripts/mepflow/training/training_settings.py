"""Settings of a training run: the keys of ``training`` in the configuration."""

import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, Final, Literal, Self

from mepflow.elements import ATOMIC_NUMBERS
from mepflow.errors import ConfigError
from mepflow.models.device import DEVICES

PRECISIONS: Final = ("float32", "tf32", "bf16", "float64")
"""``tf32`` (on a GPU) and ``bf16`` take the network's matrix products in fewer digits.

Weights and sums stay in float32.
"""
LOSSES: Final = ("squared", "absolute")
OPTIMIZERS: Final = ("adam", "amsgrad")
FORCE_GRADIENTS: Final = ("exact", "differences")
_SCHEDULE_KEYS: Final = {
    "constant": {"kind"},
    "cosine": {"kind"},
    "exponential": {"kind", "factor", "every"},
}


@dataclass(frozen=True)
class Schedule:
    """How the learning rate falls, as a function of the steps done before.

    ===========  ==========================================================
    constant     stays
    cosine       half a cosine from the full rate to 0 at the last step
    exponential  times ``factor`` every ``every`` steps, continuously
    ===========  ==========================================================
    """

    kind: Literal["constant", "cosine", "exponential"]
    factor: float = 1.0
    every: int = 1

    @classmethod
    def from_config(cls, row: Mapping[str, Any]) -> Self:
        """Return the schedule of a configuration row; raises :class:`ConfigError`."""
        keys = _SCHEDULE_KEYS.get(row.get("kind", ""))
        if keys is None:
            raise ConfigError(
                f"training.schedule.kind is {row.get('kind')!r}: use {', '.join(_SCHEDULE_KEYS)}."
            )
        if set(row) != keys:
            raise ConfigError(
                f"training.schedule of kind {row['kind']} has the keys {', '.join(sorted(row))}: "
                f"use {', '.join(sorted(keys))}."
            )
        schedule = cls(**row)
        if not (schedule.factor > 0 and schedule.every > 0):
            raise ConfigError("training.schedule: factor and every must be positive.")
        return schedule

    def scale(self, step: int, steps: int) -> float:
        """Return the factor on the learning rate of step ``step`` (from 0) of ``steps``."""
        if self.kind == "cosine":
            return 0.5 * (1.0 + math.cos(math.pi * step / steps))
        return float(self.factor ** (step / self.every))


@dataclass(frozen=True)
class TrainingSettings:
    """The ``training`` keys that one run takes; what each means is in ``config/README.md``."""

    steps: int
    batch_size: int
    learning_rate: float
    schedule: Schedule
    gradient_clip_norm: float | None
    adam_epsilon: float
    validation_interval: int
    early_stopping_patience: int | None
    precision: str
    device: str
    loss: str = "squared"
    optimizer: str = "adam"
    weight_average: float | None = None
    force_gradient: str = "exact"
    energy_references: Mapping[str, float] | None = None

    @classmethod
    def from_config(cls, row: Mapping[str, Any]) -> Self:
        """Return the settings of a configuration row; raises :class:`ConfigError`."""
        known = [field.name for field in fields(cls)]
        for key in row:
            if key not in known:
                raise ConfigError(f"training has the unknown key '{key}': use {', '.join(known)}.")
        for field in fields(cls):
            if field.name not in row and field.default is MISSING:
                raise ConfigError(f"training lacks '{field.name}': add it.")
        return cls(**{**row, "schedule": Schedule.from_config(row["schedule"])})

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "validation_interval"):
            self._require_positive(name, whole=True)
        for name in ("learning_rate", "adam_epsilon"):
            self._require_positive(name)
        if self.gradient_clip_norm is not None:
            self._require_positive("gradient_clip_norm")
        if self.early_stopping_patience is not None:
            self._require_positive("early_stopping_patience", whole=True)
        if self.weight_average is not None:
            self._require_positive("weight_average")
            if self.weight_average >= 1.0:
                raise ConfigError("training.weight_average must be below 1.")
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ConfigError(
                    f"training.{name} is {getattr(self, name)!r}: use {', '.join(allowed)}."
                )

        for name, energy in (self.energy_references or {}).items():
            if name not in ATOMIC_NUMBERS or not math.isfinite(energy):
                raise ConfigError(
                    f"training.energy_references has {name!r}: {energy!r}: write numbers in hartree"
                    " by the symbols of elements."
                )

    def decisive(self) -> dict[str, Any]:
        """Return what decides a training's result: all but the device, and what is as ever.

        A state may move to another device.
        """
        return {
            field.name: value
            for field in fields(self)
            if (value := asdict(self)[field.name]) != field.default and field.name != "device"
        }

    def _require_positive(self, name: str, *, whole: bool = False) -> None:
        value = getattr(self, name)
        kinds = int if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not 0 < value < math.inf:
            kind = "whole number" if whole else "number"
            raise ConfigError(f"training.{name} is {value!r}: it must be a {kind} above 0.")

    def learning_rate_at(self, step: int) -> float:
        """Return the learning rate of step ``step``, counted from 0."""
        return self.learning_rate * self.schedule.scale(step, self.steps)


_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "precision": PRECISIONS,
    "device": DEVICES,
    "loss": LOSSES,
    "optimizer": OPTIMIZERS,
    "force_gradient": FORCE_GRADIENTS,
}

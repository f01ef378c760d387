"""When a dynamics must stop: a bond is torn, models differ too far, an energy is no number."""

from typing import Final

import numpy as np
import numpy.typing as npt

from mepflow.dynamics.dynamics_settings import DynamicsSettings
from mepflow.dynamics.force_functions import ForceFunction
from mepflow.dynamics.integrator import State
from mepflow.elements import symbol
from mepflow.errors import MepflowError
from mepflow.geometry.bonds import bonds
from mepflow.units import BOHR_IN_ANGSTROM, HARTREE_IN_EV

FloatArray = npt.NDArray[np.float64]

_REMEDY: Final = "lower the temperature or the step, or train with such geometries"


class LeftDomainError(MepflowError):
    """A replica has left what its surface is good for. What was before is kept."""


class DomainGuard:
    """Looks at replicas of a molecule that starts at a geometry."""

    def __init__(
        self,
        atomic_numbers: npt.NDArray[np.uint8],
        start: FloatArray,
        surface: ForceFunction,
        settings: DynamicsSettings,
    ) -> None:
        self._names = [f"{symbol(int(z))}{k}" for k, z in enumerate(atomic_numbers, start=1)]
        self._surface, self._settings = surface, settings
        pairs = bonds(atomic_numbers, start * BOHR_IN_ANGSTROM)
        self._pairs = np.array(pairs, dtype=int).reshape(-1, 2)
        self._limits = settings.largest_stretch * self._lengths(start[None])[0]

    def check_energy(self, state: State, time_ps: float) -> None:
        """Raise :class:`LeftDomainError` where an energy or a force is no finite number."""
        finite = np.isfinite(state.evaluated.forces).all(axis=(1, 2))
        finite &= np.isfinite(state.evaluated.energy)
        if not finite.all():
            raise self._left(int(np.argmin(finite)), time_ps, "its energy is no finite number")

    def check_geometry(self, state: State, time_ps: float) -> None:
        """Raise :class:`LeftDomainError` for a torn bond or models that differ too far."""
        lengths = self._lengths(state.positions)
        too_long = np.argwhere(lengths > self._limits)
        if len(too_long):
            replica, bond = too_long[0].tolist()
            first, second = (self._names[atom] for atom in self._pairs[bond])
            length, limit = lengths[replica, bond], self._limits[bond]
            what = (
                f"the bond {first}-{second} is {length * BOHR_IN_ANGSTROM:.2f} Å long (at most"
                f" {limit * BOHR_IN_ANGSTROM:.2f})"
            )
            raise self._left(replica, time_ps, what)
        self._check_spread(state, time_ps)

    def _check_spread(self, state: State, time_ps: float) -> None:
        limit = self._settings.largest_force_spread_ev_per_angstrom
        spread = None if limit is None else self._surface.force_spread(state.positions)
        if spread is None or limit is None:
            return
        of_replicas = spread * HARTREE_IN_EV / BOHR_IN_ANGSTROM
        worst = int(np.argmax(of_replicas))
        if of_replicas[worst] > limit:
            what = (
                f"the models' forces differ by {of_replicas[worst]:.2f} eV/Å (at most {limit:.2f})"
            )
            raise self._left(worst, time_ps, what)

    def _left(self, replica: int, time_ps: float, what: str) -> LeftDomainError:
        return LeftDomainError(
            f"Replica {replica} left the domain of {self._surface.description} at {time_ps:.3f} ps:"
            f" {what}; what was before is kept. To go further, {_REMEDY}."
        )

    def _lengths(self, positions: FloatArray) -> FloatArray:
        first, second = self._pairs.T
        return np.asarray(np.linalg.norm(positions[:, second] - positions[:, first], axis=-1))

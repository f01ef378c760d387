"""What a dynamics knows of a surface: energies, forces and dipoles of replicas of one molecule."""

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from mepflow.errors import MepflowError

FloatArray = npt.NDArray[np.float64]


class Evaluated(NamedTuple):
    """Of R replicas of n atoms, in atomic units.

    ======= ========= ==================================================================
    energy  (R,)      hartree
    forces  (R, n, 3) hartree/bohr
    dipole  (R, 3)    e·bohr, about the origin of the positions; nan where there is none
    ======= ========= ==================================================================
    """

    energy: FloatArray
    forces: FloatArray
    dipole: FloatArray


class SurfaceError(MepflowError):
    """A surface gave nothing at some positions; another attempt may succeed."""


class ForceFunction(Protocol):
    """A surface of one molecule. Equal positions must give equal bits for a dynamics to do so."""

    @property
    def description(self) -> str:
        """Return what the surface is, for files and messages."""

    def __call__(self, positions: FloatArray) -> Evaluated:
        """Return energies, forces and dipoles at positions (R, n, 3) in bohr."""

    def force_spread(self, positions: FloatArray) -> FloatArray | None:
        """Return how far several models differ: of the forces' vectors over them, the root mean
        square (R,) over atoms in hartree/bohr; None where there is one model alone.
        """  # fmt: skip


def spread_of_models(forces: FloatArray) -> FloatArray:
    """Return the spread (R,) of :meth:`ForceFunction.force_spread` of forces (models, R, n, 3)."""
    return np.asarray(np.sqrt(forces.var(axis=0, ddof=1).sum(axis=-1).mean(axis=-1)))

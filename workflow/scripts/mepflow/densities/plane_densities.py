"""Densities of one molecule in the plane of its heavy atoms, for a picture: an ``.npz`` file."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from mepflow.errors import InputError, MissingFileError
from mepflow.geometry.planes import Plane
from mepflow.molecules import Molecule
from mepflow.storage.files import atomic_path
from mepflow.storage.npz import read_npz

FloatArray = npt.NDArray[np.float64]

_LARGEST_BYTES: Final = 2**28


@dataclass(frozen=True)
class PlaneDensities:
    """A molecule, its plane, and densities (n, m) in e/bohr³ there.

    ``exact``, of free ``atoms``, of the ``fit`` that is learned, and of the ``model``. ``plane`` is
    the description of :mod:`mepflow.geometry.planes`.
    """

    id: str
    numbers: npt.NDArray[np.int64]
    positions: FloatArray
    plane: dict[str, Any]
    exact: FloatArray
    atoms: FloatArray
    fit: FloatArray
    model: FloatArray

    @property
    def molecule(self) -> Molecule:
        """The molecule, neutral or not."""
        return Molecule(self.id, self.numbers.astype(np.uint8), self.positions)

    @property
    def picture(self) -> Plane:
        """The plane."""
        return Plane.from_metadata(self.plane)

    def save(self, path: Path) -> None:
        """Write the file, atomically."""
        arrays: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        arrays["plane"] = json.dumps(self.plane)
        with atomic_path(path) as temporary:
            np.savez(temporary, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file; raises :class:`InputError` where it is missing or damaged."""
        try:
            arrays: dict[str, Any] = dict(read_npz(path, _LARGEST_BYTES))
            arrays["plane"] = json.loads(str(arrays["plane"]))
            return cls(**{**arrays, "id": str(arrays["id"])})
        except FileNotFoundError:
            raise MissingFileError(path) from None
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{path} holds no densities in a plane ({error}): delete it."
            ) from error

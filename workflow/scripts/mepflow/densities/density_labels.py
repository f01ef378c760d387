"""Labels of density models: fitted coefficients of every molecule of a data set, in one file.

The file holds tensors, numbers and text (:mod:`mepflow.storage.tensor_file`), with all that a
model needs to know of the basis: an integral program is asked for the metric alone after it.
"""

import hashlib
import json
import logging
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import torch

from mepflow.densities.auxiliary_basis import AuxiliaryBasis
from mepflow.errors import InputError
from mepflow.storage.tensor_file import read_tensor_file, write_tensor_file

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

logger = logging.getLogger(__name__)

FORMAT: Final = "mepflow density labels"
FORMAT_VERSION: Final = 1


@dataclass(frozen=True)
class LabelledDensity:
    """A molecule, the coefficients (P,) of its density, its MEP (p,) on points (p, 3), in a.u."""

    id: str
    split: str
    numbers: IntArray
    positions: FloatArray
    charge: int
    coefficients: FloatArray
    points: FloatArray
    mep: FloatArray


@dataclass(frozen=True)
class DensityLabels:
    """Molecules, their basis and free atoms (coefficients by atomic number).

    ``weight`` is that of the potential on the points, in e²/hartree, in the fit's metric.
    """

    basis: AuxiliaryBasis
    orbital_basis: str
    weight: float
    free_atoms: dict[int, FloatArray]
    molecules: tuple[LabelledDensity, ...]

    def of_split(self, split: str) -> list[LabelledDensity]:
        """Return the molecules of a split."""
        return [molecule for molecule in self.molecules if molecule.split == split]

    def digest(self) -> str:
        """Return a digest of all that decides what is learned."""
        digest = hashlib.sha256(json.dumps(self.basis.to_row(), sort_keys=True).encode())
        digest.update(f"{self.orbital_basis}/{self.weight}".encode())
        for coefficients in self.free_atoms.values():
            digest.update(coefficients.tobytes())
        for molecule in self.molecules:
            digest.update(f"{molecule.id}/{molecule.split}/{molecule.charge}".encode())
            for values in (molecule.numbers, molecule.positions, molecule.coefficients):
                digest.update(np.ascontiguousarray(values).tobytes())
            digest.update(np.ascontiguousarray(molecule.points).tobytes())
        return digest.hexdigest()

    def save(self, path: Path) -> None:
        """Write the file, atomically."""
        rows = [
            {field.name: _plain(getattr(molecule, field.name)) for field in fields(molecule)}
            for molecule in self.molecules
        ]
        content = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "basis": self.basis.to_row(),
            "orbital_basis": self.orbital_basis,
            "weight": self.weight,
            "free_atoms": {n: torch.as_tensor(c) for n, c in self.free_atoms.items()},
            "molecules": rows,
        }
        write_tensor_file(path, content)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file; raises :class:`InputError` where it is missing, damaged or another."""
        try:
            content = read_tensor_file(path)
            if (content["format"], content["format_version"]) != (FORMAT, FORMAT_VERSION):
                raise ValueError("it is of another format or version")
            rows = [
                LabelledDensity(**{name: _array(value) for name, value in row.items()})
                for row in content["molecules"]
            ]
            return cls(
                AuxiliaryBasis.from_row(content["basis"]),
                content["orbital_basis"],
                content["weight"],
                {number: values.numpy() for number, values in content["free_atoms"].items()},
                tuple(rows),
            )
        except FileNotFoundError:
            raise InputError(f"{path} does not exist: run the rule that makes it.") from None
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"{path} holds no labels of densities ({error}): delete it."
            ) from error


def _plain(value: Any) -> Any:
    return torch.as_tensor(np.ascontiguousarray(value)) if isinstance(value, np.ndarray) else value


def _array(value: Any) -> Any:
    return value.numpy() if isinstance(value, torch.Tensor) else value

"""The trajectory of a dynamics: series of every step, geometries of some, as HDF5 and extxyz."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from mepflow.errors import InputError
from mepflow.storage.damage import DAMAGE, reason
from mepflow.storage.files import atomic_path
from mepflow.storage.hdf5_file import create_hdf5, open_hdf5, read_attribute
from mepflow.units import BOHR_IN_ANGSTROM, HARTREE_IN_EV

FloatArray = npt.NDArray[np.float64]

FORMAT: Final = "mepflow trajectory"
FORMAT_VERSION: Final = 1
_UNITS: Final = {
    "atomic_numbers": "",
    "masses": "dalton",
    "potential": "hartree",
    "kinetic": "hartree",
    "heat": "hartree",
    "dipoles": "e*bohr",
    "positions": "bohr",
}
_ATTRIBUTES: Final[dict[str, Callable[[Any], Any]]] = {
    "step_fs": float,
    "frame_interval": int,
    "temperature_k": float,
    "surface": str,
    "stopped": str,
}


@dataclass(frozen=True)
class Trajectory:
    """R replicas of n atoms over T steps, with geometries of F of them.

    ================ ============ ===========================================================
    atomic_numbers   (n,)
    masses           (n,)         dalton
    potential        (R, T)       hartree
    kinetic          (R, T)       hartree
    heat             (R, T)       hartree, what a thermostat has given
    dipoles          (R, T, 3)    e·bohr, nan where the surface has none
    positions        (R, F, n, 3) bohr, at steps 0, k, 2k, ... of the interval k
    step_fs                       time between two steps
    frame_interval                steps between two geometries
    temperature_k                 of the start, or the bath
    surface                       what the surface is
    stopped                       why it is shorter than was asked for, or empty
    ================ ============ ===========================================================
    """

    atomic_numbers: npt.NDArray[np.uint8]
    masses: FloatArray
    potential: FloatArray
    kinetic: FloatArray
    heat: FloatArray
    dipoles: FloatArray
    positions: FloatArray
    step_fs: float
    frame_interval: int
    temperature_k: float
    surface: str
    stopped: str = ""

    @property
    def conserved(self) -> FloatArray:
        """What exact steps would conserve: potential and kinetic energy less heat (R, T)."""
        return self.potential + self.kinetic - self.heat

    def save(self, path: Path) -> None:
        """Write HDF5, atomically; every column has its unit."""
        with atomic_path(path) as temporary, create_hdf5(temporary) as file:
            file.attrs["format"], file.attrs["format_version"] = FORMAT, FORMAT_VERSION
            for name in _ATTRIBUTES:
                file.attrs[name] = getattr(self, name)
            for name, unit in _UNITS.items():
                values = getattr(self, name)
                packed = {"compression": "gzip", "shuffle": True} if values.ndim > 1 else {}
                file.create_dataset(name, data=values, **packed).attrs["units"] = unit

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what :meth:`save` wrote; raises :class:`InputError` where that is not there."""
        try:
            with open_hdf5(path) as file:
                version = read_attribute(file, "format_version")
                if (read_attribute(file, "format"), version) != (FORMAT, FORMAT_VERSION):
                    raise ValueError("it is of another format or version")
                content: dict[str, Any] = {name: file[name][()] for name in _UNITS}
                for name, kind in _ATTRIBUTES.items():
                    content[name] = kind(read_attribute(file, name))
        except FileNotFoundError:
            raise InputError(f"{path} does not exist: run a dynamics first.") from None
        except DAMAGE as error:
            raise InputError(
                f"{path} is no trajectory that can be read ({reason(error)}): name another file,"
                " or run the dynamics again."
            ) from error
        return cls(**content)

    def write_extxyz(self, path: Path, replica: int) -> None:
        """Write the geometries of a replica as extended XYZ, in Å and eV, with time in fs.

        Each frame has the surface's energy and, where there is one, dipole (e·Å).
        """
        frames = []
        for number, positions in enumerate(self.positions[replica]):
            step = number * self.frame_interval
            atoms: Any = Atoms(self.atomic_numbers, positions * BOHR_IN_ANGSTROM)
            values: dict[str, Any] = {"energy": self.potential[replica, step] * HARTREE_IN_EV}
            if np.isfinite(self.dipoles[replica, step]).all():
                values["dipole"] = self.dipoles[replica, step] * BOHR_IN_ANGSTROM
            atoms.calc = SinglePointCalculator(atoms, **values)  # type: ignore[no-untyped-call]
            atoms.info["time_fs"] = step * self.step_fs
            frames.append(atoms)
        with atomic_path(path) as temporary:
            write(temporary, frames, format="extxyz")

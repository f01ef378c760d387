"""The potential as a Gaussian cube file, which VMD, Avogadro, PyMOL and 3Dmol.js read.

Two lines of comment; the number of atoms and the origin; three lines with the number of points
along an axis and the step; a line per atom with its number, nuclear charge and position; then the
values, z fastest, six to a line. Lengths are in bohr, values in hartree/e.

Near a nucleus, the potential of a point charge has nothing to do with the molecule's and grows
without bound. There each atom's charge and dipole are taken to lie on a sphere of
:data:`CORE_SCALE` Bondi radii, which leaves every value outside these spheres as it is; the
penetration of its valence shell is that on the sphere.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, TextIO

import numpy as np

from mepflow.electrostatics.penetration import Widths, known_shells, penetration_potential
from mepflow.errors import InputError
from mepflow.geometry.radii import CORE_SCALE, bondi_radii
from mepflow.molecules import Molecule
from mepflow.prediction.geometry_files import as_ascii
from mepflow.prediction.result import FloatArray, Prediction
from mepflow.storage.files import atomic_path
from mepflow.units import ANGSTROM_IN_BOHR

MOST_POINTS: Final = 10_000_000
"""Largest cube: 130 MB of text."""
_DIGITS: Final = 6
"""Decimals of a length in a cube file: the grid is laid on such numbers, so none is rounded."""
_WIDTH: Final = 12
"""Columns of a length. One of them is a space, so far from the origin there are fewer decimals."""
_VALUES_PER_LINE: Final = 6


@dataclass(frozen=True)
class CubeGrid:
    """A regular grid: its first point and step in bohr, and the number of points along x, y, z."""

    origin: FloatArray
    spacing: float
    shape: tuple[int, int, int]

    @classmethod
    def around(cls, molecule: Molecule, spacing_angstrom: float, margin_angstrom: float) -> Self:
        """Lay a grid that reaches ``margin_angstrom`` beyond the outermost nuclei.

        Raises :class:`InputError` for more than :data:`MOST_POINTS`.
        """
        spacing = round(spacing_angstrom * ANGSTROM_IN_BOHR, _DIGITS)
        margin = margin_angstrom * ANGSTROM_IN_BOHR
        low = molecule.positions.min(axis=0) - margin
        high = molecule.positions.max(axis=0) + margin
        counts = np.ceil((high - low) / spacing) + 1.0
        if counts.prod() > MOST_POINTS:
            raise InputError(
                f"{molecule.id}: a cube of {counts.prod():.2g} points is too large (at most "
                f"{MOST_POINTS}): choose a wider --spacing, or --no-cubes."
            )
        # The box of the points is larger than the one asked for: half of the rest on each side.
        first = (low + high - spacing * (counts - 1.0)) / 2.0
        nx, ny, nz = (int(count) for count in counts)
        origin = np.array([round(value, _digits(value)) for value in first.tolist()])
        return cls(origin, spacing, (nx, ny, nz))

    def planes(self) -> Iterator[FloatArray]:
        """Yield the points (ny·nz, 3) in bohr of each plane of constant x, z fastest."""
        x, y, z = (
            start + self.spacing * np.arange(count)
            for start, count in zip(self.origin, self.shape, strict=True)
        )
        for value in x:
            plane = np.meshgrid([value], y, z, indexing="ij")
            yield np.stack(plane, axis=-1).reshape(-1, 3)


def write_cube(
    path: Path, prediction: Prediction, grid: CubeGrid, widths: Widths | None = None
) -> None:
    """Write the MEP of a prediction in hartree/e on ``grid``, a plane of points at a time.

    With penetration where ``widths`` of valence shells in bohr have all elements of the molecule.
    """
    molecule = prediction.molecule
    shells = known_shells(molecule.atomic_numbers, widths)
    radii = CORE_SCALE * bondi_radii(molecule.atomic_numbers)

    def mep(points: FloatArray) -> FloatArray:
        values = prediction.potential(points, radii)
        if shells is not None:
            values += penetration_potential(points, molecule.positions, shells, radii)
        return values

    terms = "point multipoles" if shells is None else "point multipoles and penetration"
    where = f"{terms} outside {CORE_SCALE} Bondi radii"
    if not prediction.has_atomic_terms:
        where = "nuclei and electron density"
    write_values(path, molecule, grid, ("MEP", "hartree/e", where), mep)


def write_values(
    path: Path,
    molecule: Molecule,
    grid: CubeGrid,
    about: tuple[str, str, str],
    values: Callable[[FloatArray], FloatArray],
) -> None:
    """Write ``values`` (p,) of points (p, 3) in bohr on ``grid``, a plane of points at a time.

    ``about`` is the quantity, its unit and a remark, for the comments.
    """
    quantity, unit, remark = about
    with atomic_path(path) as temporary, temporary.open("w", encoding="ascii") as file:
        file.write(f"{quantity} of {as_ascii(molecule.id)} in {unit}, predicted by mepflow\n")
        file.write(f"{remark}; lengths in bohr\n")
        _write_header(file, molecule, grid)
        for points in grid.planes():
            for row in values(points).reshape(grid.shape[1:]):
                _write_row(file, row)


def _write_header(file: TextIO, molecule: Molecule, grid: CubeGrid) -> None:
    file.write(_line(len(molecule), *grid.origin))
    for axis, count in enumerate(grid.shape):
        file.write(_line(count, *(grid.spacing * (np.arange(3) == axis))))
    for number, position in zip(molecule.atomic_numbers, molecule.positions, strict=True):
        file.write(_line(int(number), float(number), *position))


def _line(count: int, *values: float) -> str:
    words = (f"{value:{_WIDTH}.{_digits(value)}f}" for value in values)
    return f"{count:5d}" + "".join(words) + "\n"


def _digits(value: float) -> int:
    """Return the decimals of a length with which it begins with a space in its columns."""
    digits = _DIGITS
    while len(f"{value:.{digits}f}") >= _WIDTH:
        digits -= 1
    return digits


def _write_row(file: TextIO, values: FloatArray) -> None:
    words = [f"{value:13.5E}" for value in values]
    for start in range(0, len(words), _VALUES_PER_LINE):
        file.write("".join(words[start : start + _VALUES_PER_LINE]) + "\n")

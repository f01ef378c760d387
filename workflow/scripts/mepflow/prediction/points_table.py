"""Potential and field at points that the user names."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from mepflow.electrostatics.penetration import Widths
from mepflow.errors import InputError
from mepflow.prediction.result import Prediction
from mepflow.prediction.text_files import read_text, unpacked_suffix
from mepflow.storage.files import atomic_path
from mepflow.units import (
    ANGSTROM_IN_BOHR,
    BOHR_IN_ANGSTROM,
    HARTREE_IN_EV,
    HARTREE_PER_E_IN_KCAL_PER_MOL_E,
    HARTREE_PER_E_IN_KJ_PER_MOL_E,
)

FloatArray = npt.NDArray[np.float64]

_ATOM_WORDS: Final = 4
_AXES: Final = "xyz"


@dataclass(frozen=True)
class PotentialUnit:
    """A unit of potentials: how many there are in a hartree/e, and its name in columns.

    Fields are in this unit per bohr where it is hartree/e, else per ångström.
    """

    in_hartree_per_e: float
    column: str

    @property
    def is_atomic(self) -> bool:
        """Tell whether the unit of length that goes with it is the bohr."""
        return self.in_hartree_per_e == 1.0

    @property
    def field_factor(self) -> float:
        """Return how many units of the field there are in a hartree/(e·bohr)."""
        return self.in_hartree_per_e * (1.0 if self.is_atomic else ANGSTROM_IN_BOHR)

    @property
    def field_column(self) -> str:
        """Return the name of the field's unit in columns."""
        return f"{self.column}_{'bohr' if self.is_atomic else 'angstrom'}"


UNITS: Final[Mapping[str, PotentialUnit]] = {
    "kcal/mol/e": PotentialUnit(HARTREE_PER_E_IN_KCAL_PER_MOL_E, "kcal_per_mol_e"),
    "kJ/mol/e": PotentialUnit(HARTREE_PER_E_IN_KJ_PER_MOL_E, "kj_per_mol_e"),
    "hartree/e": PotentialUnit(1.0, "hartree_per_e"),
    "eV/e": PotentialUnit(HARTREE_IN_EV, "ev_per_e"),
    "V": PotentialUnit(HARTREE_IN_EV, "volt"),
}
"""By the name on the command line."""


def read_points(path: Path) -> FloatArray:
    """Return the points (p, 3) in bohr of a file in ångström.

    ``.npy`` holds an array (p, 3); ``.xyz`` is a file of one frame whose symbols do not count;
    every other file has three numbers in each line, with spaces or commas between.

    Raises :class:`InputError` naming file and line.
    """
    try:
        if path.suffix.lower() == ".npy":
            points = np.asarray(np.load(path, allow_pickle=False), dtype=np.float64)
        else:
            points = _of_lines(path, read_text(path).splitlines())
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): correct its name.") from error
    except ValueError as error:
        raise InputError(
            f"{path} holds no points: write three numbers in ångström per line, or .npy."
        ) from error
    if points.ndim != 2 or points.shape[1] != len(_AXES) or not len(points):
        raise InputError(f"{path} has an array of shape {points.shape}: points are (p, 3).")
    if not np.isfinite(points).all():
        raise InputError(f"{path} has a point that is no number: correct it.")
    return points * ANGSTROM_IN_BOHR


def _of_lines(path: Path, lines: list[str]) -> FloatArray:
    is_xyz = unpacked_suffix(path) == ".xyz"
    rows = []
    for number, line in enumerate(lines[2:] if is_xyz else lines, 3 if is_xyz else 1):
        words = line.replace(",", " ").split()
        if not words or words[0].startswith("#"):
            continue
        try:
            row = [float(word) for word in words[1:_ATOM_WORDS] if is_xyz] or [*map(float, words)]
        except ValueError:
            row = []
        if len(row) != len(_AXES):
            raise InputError(f"{path}, line {number}: write three numbers in ångström.")
        rows.append(row)
    return np.array(rows).reshape(-1, len(_AXES))


def write_points(
    path: Path, prediction: Prediction, points: FloatArray, unit: str, widths: Widths | None
) -> None:
    """Write potential and field at ``points`` (p, 3) in bohr as CSV, positions in ångström.

    They hold penetration where ``widths`` have all elements. Raises :class:`InputError` for a point
    on an atom.
    """
    molecule, chosen = prediction.molecule, UNITS[unit]
    try:
        values, fields = prediction.potential_and_field(points, widths)
    except ValueError as error:
        raise InputError(
            f"Molecule {molecule.id}: one of the points lies on an atom: move it away."
        ) from error
    columns = [
        *(f"{axis}_angstrom" for axis in _AXES),
        f"mep_{chosen.column}",
        *(f"field_{axis}_{chosen.field_column}" for axis in _AXES),
    ]
    numbers = np.column_stack([
        points * BOHR_IN_ANGSTROM, values * chosen.in_hartree_per_e, fields * chosen.field_factor
    ])  # fmt: skip
    with atomic_path(path) as temporary:
        np.savetxt(
            temporary, numbers, fmt="%.9g", delimiter=",", header=",".join(columns), comments=""
        )

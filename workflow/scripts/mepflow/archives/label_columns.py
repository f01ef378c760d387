"""What a file of labels holds: one row of this catalogue is one dataset.

Ragged columns lie flat: those per atom one after the other, molecule by molecule, those per fitting
function and per point as well. Symmetric matrices are stored as six components, in the order of
:data:`mepflow.multipoles.QUADRUPOLE_COMPONENTS`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from mepflow.multipoles import ORIGIN
from mepflow.units import HARTREE_PER_E_IN_KCAL_PER_MOL_E

FloatArray = npt.NDArray[np.float64]

FITTING_BASIS: Final = "def2-universal-jkfit"
POSITION_DIGITS: Final = 6
"""Decimals of the positions in Å, which are stored as whole numbers."""
LARGEST_STEP: Final = 0.005 / HARTREE_PER_E_IN_KCAL_PER_MOL_E
"""Of the stored potential, in hartree/e."""
_LEVELS: Final = 2**16 - 2
"""Steps between the lowest and the highest value of a molecule's potential on a grid."""


@dataclass(frozen=True)
class LabelColumn:
    """A dataset: rows, type of a number, shape of a row, unit, meaning."""

    per: Literal["molecule", "atom", "function"]
    dtype: str
    shape: tuple[int, ...]
    units: str
    description: str


def _of_molecules(dtype: str, units: str, text: str, *shape: int) -> LabelColumn:
    return LabelColumn("molecule", dtype, shape, units, text)


def _of_atoms(dtype: str, units: str, text: str, *shape: int) -> LabelColumn:
    return LabelColumn("atom", dtype, shape, units, text)


_THETA: Final = f"traceless quadrupole Theta' about the {ORIGIN}: xx, yy, zz, xy, xz, yz"
COLUMNS: Final[dict[str, LabelColumn]] = {
    "charge": _of_molecules("i1", "e", "total charge"),
    "energy": _of_molecules("f8", "hartree", "total energy with dispersion"),
    "dipole": _of_molecules("f8", "e*bohr", f"dipole about the {ORIGIN}", 3),
    "quadrupole": _of_molecules("f8", "e*bohr^2", _THETA, 6),
    "homo": _of_molecules("f8", "hartree", "highest occupied orbital energy"),
    "lumo": _of_molecules("f8", "hartree", "lowest unoccupied orbital energy"),
    "electronic_spatial_extent": _of_molecules("f8", "bohr^2", f"<r^2> about the {ORIGIN}"),
    "functions": _of_molecules("i4", "1", "basis functions"),
    "grid_size": _of_molecules("i4", "1", "points of the integration grid"),
    "scf_cycles": _of_molecules("i4", "1", "cycles of the SCF"),
    "cpu_seconds": _of_molecules("f4", "s", "processor time of all of a molecule's labels"),
    "atomic_numbers": _of_atoms("u1", "1", "atomic numbers"),
    "positions": _of_atoms("i4", "1e-6 angstrom", "positions", 3),
    "gradient": _of_atoms("f4", "hartree/bohr", "gradient of the energy", 3),
    "mulliken_charges": _of_atoms("f4", "e", "Mulliken charges"),
    "lowdin_charges": _of_atoms("f4", "e", "Lowdin charges"),
    "hirshfeld_charges": _of_atoms("f4", "e", "Hirshfeld charges"),
    "mbis_charges": _of_atoms("f4", "e", "MBIS charges"),
    "mbis_dipoles": _of_atoms("f4", "e*bohr", "MBIS atomic dipoles", 3),
    "mbis_second_moments": _of_atoms(
        "f4", "e*bohr^2", "raw MBIS second moments about the nuclei: xx, yy, zz, xy, xz, yz", 6
    ),
    "density_coefficients": LabelColumn(
        "function", "f4", (), "bohr^-1.5", f"electron density in {FITTING_BASIS}, order of PySCF"
    ),
}
OF_THE_DENSITY: Final = (
    "gradient",
    "hirshfeld_charges",
    "mbis_charges",
    "mbis_dipoles",
    "mbis_second_moments",
    "density_coefficients",
)
"""What a set of moments and potentials alone leaves out: the other half of the time and space."""
SECOND_LEVEL: Final = "hf_"
"""What names of columns and potentials at the second level of theory begin with."""
SECOND_COLUMNS: Final[dict[str, LabelColumn]] = {
    SECOND_LEVEL + name: replace(COLUMNS[name], description="second level: " + text)
    for name, text in (("energy", "total energy"), ("dipole", "dipole"), ("quadrupole", _THETA))
}
"""Of sets with a second level of theory."""
TEXTS: Final[dict[str, str]] = {
    "id": "unique key",
    "name": "name, or the formula",
    "smiles": "canonical SMILES without stereochemistry",
    "kind": "neutral, cation, anion or zwitterion",
    "groups": "names of functional groups, a JSON list",
    "split": "train, validation or test; bench in the set of that name; empty where a run decides",
    "geometry": "minimum, displaced_modes, displaced_torsion, displaced_atoms or dynamics",
    "environment": "gas or water: where GFN2-xTB relaxed it",
}
FAILED_TEXTS: Final = ("id", "smiles", "reason")


@dataclass(frozen=True)
class StoredPotential:
    """A molecule's potential on a grid: ``middle`` + ``step`` × ``steps`` (p,) in hartree/e."""

    middle: float
    step: float
    steps: npt.NDArray[np.int16]

    @classmethod
    def of(cls, potential: FloatArray) -> "StoredPotential":
        """Spread the steps over the range of the values (p,) in hartree/e."""
        low, high = (potential.min(), potential.max()) if len(potential) else (0.0, 0.0)
        middle = float((low + high) / 2)
        step = float((high - low) / _LEVELS) or LARGEST_STEP
        return cls(middle, step, np.rint((potential - middle) / step).astype(np.int16))

    def values(self) -> FloatArray:
        """Return the potential (p,) in hartree/e, wrong by half a step at most."""
        return self.middle + self.step * self.steps.astype(np.float64)


def columns_of(has_second_level: bool, moments_alone: bool = False) -> Mapping[str, LabelColumn]:
    """Return the catalogue of a set."""
    catalogue = {**COLUMNS, **SECOND_COLUMNS} if has_second_level else COLUMNS
    left_out = OF_THE_DENSITY if moments_alone else ()
    return {name: column for name, column in catalogue.items() if name not in left_out}

"""Tables of the potential on the molecules' surfaces, and the meshes for other viewers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ase.data import chemical_symbols
from scipy.spatial import cKDTree

from mepflow.electrostatics.penetration import Widths, known_shells, penetration_potential
from mepflow.geometry.grids import surface_row
from mepflow.geometry.surface_extrema import extrema
from mepflow.geometry.surfaces import Surface, van_der_waals_surface
from mepflow.prediction.csv_tables import Row
from mepflow.prediction.geometry_files import as_ascii
from mepflow.prediction.result import Prediction
from mepflow.prediction.surface_properties import statistics, write_ply
from mepflow.units import BOHR_IN_ANGSTROM, HARTREE_PER_E_IN_KCAL_PER_MOL_E

FloatArray = npt.NDArray[np.float64]

SURFACES: Final = "surface.csv"
EXTREMA: Final = "surface_extrema.csv"
_UNITS: Final = {
    "area": "angstrom2", "mean": "kcal_per_mol_e", "average_deviation": "kcal_per_mol_e",
    "variance": "kcal2_per_mol2_e2", "balance": "",
}  # fmt: skip
"""Units of statistics by the first part of their names."""
EXTREMA_COLUMNS: Final = (
    *("name", "kind", "mep_kcal_per_mol_e"),
    *(f"{axis}_angstrom" for axis in "xyz"),
    *("nearest_atom", "nearest_element"),
)


@dataclass(frozen=True)
class MappedSurface:
    """A prediction's surface, and its MEP in kcal/mol/e (n,) at the vertices."""

    prediction: Prediction
    surface: Surface
    values: FloatArray

    @classmethod
    def of(cls, prediction: Prediction, widths: Widths | None) -> "MappedSurface":
        """Compute it, with penetration where ``widths`` in bohr have all elements."""
        molecule = prediction.molecule
        surface = prediction.surface()
        values = prediction.potential(surface.vertices)
        shells = known_shells(molecule.atomic_numbers, widths)
        if shells is not None:
            values = values + penetration_potential(surface.vertices, molecule.positions, shells)
        return cls(prediction, surface, values * HARTREE_PER_E_IN_KCAL_PER_MOL_E)

    @classmethod
    def of_reference(
        cls, prediction: Prediction, values: FloatArray, settings: Mapping[str, Any]
    ) -> "MappedSurface":
        """Return a surface of these settings of ``grids`` with calculated ``values`` (n,).

        They are in hartree/e, at the points that
        :func:`~mepflow.geometry.grids.grid_points` has for the settings.
        """
        molecule = prediction.molecule
        row = surface_row(settings)
        surface = van_der_waals_surface(molecule.atomic_numbers, molecule.positions, **row)
        return cls(prediction, surface, values * HARTREE_PER_E_IN_KCAL_PER_MOL_E)

    def row(self) -> Row:
        """Return the molecule's row of :data:`SURFACES`."""
        found = statistics(self.surface, self.values)
        ends = {"highest": self.values.max(), "lowest": self.values.min()}
        return {
            "name": self.prediction.molecule.id,
            **{f"mep_{name}_kcal_per_mol_e": float(value) for name, value in ends.items()},
            **{_column(name): value for name, value in found.items()},
        }

    def extrema_rows(self) -> list[Row]:
        """Return the rows of :data:`EXTREMA`; atoms are counted from 1."""
        molecule = self.prediction.molecule
        places = self.surface.vertices
        nearest = cKDTree(molecule.positions).query(places)[1]
        return [
            {
                "name": molecule.id,
                "kind": "maximum" if one.is_maximum else "minimum",
                "mep_kcal_per_mol_e": one.value,
                **{
                    f"{axis}_angstrom": float(value)
                    for axis, value in zip(
                        "xyz", places[one.vertex] * BOHR_IN_ANGSTROM, strict=True
                    )
                },
                "nearest_atom": int(nearest[one.vertex]) + 1,
                "nearest_element": chemical_symbols[molecule.atomic_numbers[nearest[one.vertex]]],
            }
            for one in extrema(self.surface, self.values)
        ]

    def write_mesh(self, path: Path) -> None:
        """Write the surface for other viewers."""
        write_ply(path, self.surface, self.values, as_ascii(self.prediction.molecule.id))


def _column(name: str) -> str:
    unit = next(unit for start, unit in _UNITS.items() if name.startswith(start))
    return f"{name}_{unit}" if unit else name

"""Labels of molecules in memory: their columns flat, as a file holds them, and views of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from mepflow.archives.label_columns import (
    POSITION_DIGITS,
    LabelColumn,
    StoredPotential,
    columns_of,
)
from mepflow.archives.label_points import labelled_points
from mepflow.molecules import FloatArray, GridValues, IntArray, Molecule, MoleculeTable
from mepflow.multipoles import centre_of_nuclear_charge, from_components
from mepflow.units import ANGSTROM_IN_BOHR

Column = npt.NDArray[Any]

_SHARED_FIELDS: Final = (
    "energy",
    "dipole",
    "homo",
    "lumo",
    "electronic_spatial_extent",
    "mulliken_charges",
)


@dataclass(frozen=True)
class Potentials:
    """Potentials of all molecules on one grid, as they are stored."""

    point_offsets: IntArray
    steps: npt.NDArray[np.int16]
    middle: FloatArray
    step: FloatArray
    checksum: npt.NDArray[np.uint64]


@dataclass(frozen=True)
class LabelSet:
    """The content of a file: ``texts`` and ``columns`` by name, flat, and what they mean.

    A set of ``moments_alone`` has no columns of the density.
    """

    texts: dict[str, list[str]]
    columns: dict[str, Column]
    atom_offsets: IntArray
    function_offsets: IntArray
    potentials: dict[str, Potentials]
    failed: dict[str, list[str]]
    levels: list[dict[str, Any]]
    grids: dict[str, dict[str, Any]]
    software: dict[str, str] = field(default_factory=dict)
    moments_alone: bool = False

    def __len__(self) -> int:
        return len(self.texts["id"])

    @property
    def catalogue(self) -> Mapping[str, LabelColumn]:
        """What the columns are."""
        return columns_of(len(self.levels) > 1, self.moments_alone)

    @property
    def ids(self) -> list[str]:
        """The molecules' keys."""
        return self.texts["id"]

    @cached_property
    def finished(self) -> frozenset[str]:
        """The keys of all molecules that need no further calculation."""
        return frozenset(self.ids) | frozenset(self.failed["id"])

    def rows(self, column: LabelColumn, index: int) -> slice:
        """Return where a column's rows of the molecule in row ``index`` are."""
        starts = {"atom": self.atom_offsets, "function": self.function_offsets}.get(column.per)
        if starts is None:
            return slice(index, index + 1)
        return slice(int(starts[index]), int(starts[index + 1]))

    def of(self, name: str, index: int) -> Column:
        """Return a column's rows of one molecule (of a column per molecule: its one row)."""
        column = self.catalogue[name]
        values = self.columns[name][self.rows(column, index)]
        return np.asarray(values[0] if column.per == "molecule" else values)

    def molecule(self, index: int) -> Molecule:
        """Return the molecule in row ``index``, positions in bohr."""
        angstrom = self.of("positions", index) / 10.0**POSITION_DIGITS
        return Molecule(
            self.ids[index],
            self.of("atomic_numbers", index),
            angstrom * ANGSTROM_IN_BOHR,
            int(self.of("charge", index)),
            self.texts["smiles"][index],
        )

    def stored_potential(self, grid: str, index: int) -> StoredPotential:
        """Return the potential of the molecule in row ``index`` as it is stored."""
        held = self.potentials[grid]
        rows = slice(int(held.point_offsets[index]), int(held.point_offsets[index + 1]))
        return StoredPotential(float(held.middle[index]), float(held.step[index]), held.steps[rows])

    def potential(self, grid: str, index: int) -> tuple[FloatArray, FloatArray]:
        """Return points (p, 3) in bohr and the potential (p,) in hartree/e there.

        Raises :class:`InputError` where the points cannot be made again as they were.
        """
        values = self.stored_potential(grid, index).values()
        checksum = int(self.potentials[grid].checksum[index])
        points = labelled_points(
            self.molecule(index), grid, self.grids[grid], len(values), checksum
        )
        return points, values

    def to_table(self, grids: tuple[str, ...] | None = None) -> MoleculeTable:
        """Return multipoles, orbital energies, Mulliken charges and potentials as a table.

        ``grids`` are those whose potential is wanted, all that are stored if None.
        """
        molecules = [self.molecule(index) for index in range(len(self))]
        wanted = tuple(self.potentials) if grids is None else grids
        properties: dict[str, Any] = {
            name: [self.of(name, index) for index in range(len(self))] for name in _SHARED_FIELDS
        }
        properties["quadrupole"] = list(from_components(self.columns["quadrupole"]))
        properties["origin"] = [
            centre_of_nuclear_charge(m.atomic_numbers, m.positions) for m in molecules
        ]
        values = {
            grid: GridValues.from_ragged([self.potential(grid, i) for i in range(len(self))])
            for grid in wanted
        }
        metadata = {"level_of_theory": self.levels[0], "grid_settings": self.grids}
        return MoleculeTable.from_molecules(molecules, properties, values, metadata)

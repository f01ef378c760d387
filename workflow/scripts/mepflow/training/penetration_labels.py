"""Labels of the potential without penetration: what point multipoles can learn of it."""

from dataclasses import replace
from pathlib import Path

from mepflow.electrostatics.penetration import (
    Widths,
    elements_without_width,
    penetration_potential,
    shells_of,
)
from mepflow.errors import ConfigError
from mepflow.molecules import GridValues, MoleculeTable


def without_penetration(
    table: MoleculeTable, widths: Widths, source: Path | str = "the table"
) -> MoleculeTable:
    """Return ``table`` with the potential on its grids less that of the valence shells.

    ``widths`` are in bohr by element. Raises :class:`ConfigError` with the elements that have none,
    and the first molecule that holds one of them.
    """
    _require_widths(table, widths, source)
    grids = {name: _less_shells(table, grid, widths) for name, grid in table.grids.items()}
    return replace(table, grids=grids)


def _less_shells(table: MoleculeTable, grid: GridValues, widths: Widths) -> GridValues:
    mep = grid.mep.copy()
    for row in range(len(table)):
        molecule = table.molecule(row)
        points, _ = grid.of(row)
        shells = shells_of(molecule.atomic_numbers, widths)
        rows = slice(grid.point_offsets[row], grid.point_offsets[row + 1])
        mep[rows] -= penetration_potential(points, molecule.positions, shells)
    return replace(grid, mep=mep)


def _require_widths(table: MoleculeTable, widths: Widths, source: Path | str) -> None:
    missing = elements_without_width(table.atomic_numbers, widths)
    if not missing:
        return
    holders = (table.molecule(row) for row in range(len(table)))
    first = next(one.id for one in holders if elements_without_width(one.atomic_numbers, widths))
    raise ConfigError(
        f"{source}: a variant is to learn with penetration, but {', '.join(missing)} (molecule "
        f"{first}) has no width: fit one with tools/fit_penetration.py and add it to `penetration` "
        "of config/definitions.yaml, or filter such molecules out."
    )

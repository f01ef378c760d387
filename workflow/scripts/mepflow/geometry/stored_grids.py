"""The grids that a reference table holds: those for errors, and those for pictures."""

from mepflow.geometry.grids import PICTURE_KINDS
from mepflow.molecules import MoleculeTable


def metric_grids(table: MoleculeTable) -> list[str]:
    """Return the names of the grids that errors are measured on, sorted.

    The table's metadata hold the row of each grid in ``grid_settings``. Grids of
    :data:`PICTURE_KINDS` are left out: a plane goes through the atoms. A grid without a row counts.
    """
    rows = table.metadata.get("grid_settings", {})
    return [
        grid for grid in sorted(table.grids) if rows.get(grid, {}).get("kind") not in PICTURE_KINDS
    ]

"""Which of the grids that a reference table holds are for errors, and which for pictures."""

from collections.abc import Mapping

from mepflow.molecules import MoleculeTable


def metric_grids(table: MoleculeTable) -> list[str]:
    """Return the names of the grids that errors are measured on.

    Those for pictures, planes and surfaces, are left out: the metadata describe them molecule by
    molecule.
    """
    described = table.metadata.get("grids", {})
    return [
        grid
        for grid in sorted(table.grids)
        if not any(isinstance(one, Mapping) for one in described.get(grid, {}).values())
    ]

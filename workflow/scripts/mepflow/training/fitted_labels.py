"""Labels of charges that come nearest to the reference potential of each molecule itself."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mepflow.electrostatics.multipole_fit import fit_multipoles
from mepflow.errors import InputError
from mepflow.molecules import MoleculeTable
from mepflow.training.potential_points import potential_points


def with_fitted_charges(
    table: MoleculeTable, grids: Sequence[str], source: Path | str = "the table"
) -> MoleculeTable:
    """Return ``table`` with ``atomic_charges`` in e: least squares over the points of ``grids``.

    The charges of a molecule add up to its total charge. Raises :class:`InputError` with the
    molecule that has too few points, or a potential that is not finite.
    """
    charges = np.empty(len(table.positions))
    for row, key in enumerate(table.ids):
        points, values = potential_points(table, row, grids, source)
        molecule = table.molecule(row)
        try:
            found = fit_multipoles(points, values, molecule.positions, molecule.total_charge)
        except ValueError as error:
            raise InputError(f"{source}: no charges can be fitted to {key}: {error}.") from error
        charges[table.atoms(row)] = found.charges
    return table.with_properties(atomic_charges=charges)

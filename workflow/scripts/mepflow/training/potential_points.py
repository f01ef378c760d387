"""The points around a molecule that a training learns on, from the grids of a reference."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mepflow.errors import InputError
from mepflow.molecules import MoleculeTable

FloatArray = npt.NDArray[np.float64]


def potential_points(
    table: MoleculeTable, row: int, grids: Sequence[str], source: Path | str
) -> tuple[FloatArray, FloatArray]:
    """Return a molecule's points (p, 3) in bohr on all ``grids``, and the potential (p,) there.

    Raises :class:`InputError` where there is no point, or a value that is not finite.
    """
    parts = [table.grids[grid].of(row) for grid in grids if grid in table.grids]
    points = np.concatenate([np.empty((0, 3)), *(points for points, _ in parts)])
    values = np.concatenate([np.empty(0), *(values for _, values in parts)])
    if not len(points) or not np.isfinite(values).all():
        fault = "no potential" if not len(points) else "a potential that is not finite"
        raise InputError(
            f"{source}: molecule {table.ids[row]} has {fault} on the grid {' or '.join(grids)}, "
            "which is learned: compute it for `molecules: all`, or filter the molecule out."
        )
    return points, values

"""Statistics of per-molecule differences that should be small, a row per quantity."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Quantity:
    """A compared quantity: its column of the differences, what it is called, and its unit.

    ``tolerance`` is the size, in that unit, above which a molecule is counted as off, or None.
    """

    column: str
    label: str
    unit: str
    tolerance: float | None = None


def difference_table(differences: pd.DataFrame, quantities: Sequence[Quantity]) -> pd.DataFrame:
    """Return the statistics of the sizes of each quantity that ``differences`` has.

    ``differences`` has a row per molecule: id, and a column per quantity, nan where the molecule
    was not compared. Columns: quantity, unit, n_structures (compared), n_not_compared, median,
    percentile_95, largest, largest_id, tolerance, n_above_tolerance.
    """
    rows = []
    for quantity in quantities:
        if quantity.column not in differences:
            continue
        sizes = differences.set_index("id")[quantity.column].abs()
        compared = sizes.dropna()
        tolerance = quantity.tolerance
        rows.append(
            {
                "quantity": quantity.label,
                "unit": quantity.unit,
                "n_structures": len(compared),
                "n_not_compared": len(sizes) - len(compared),
                "median": compared.median(),
                "percentile_95": compared.quantile(0.95),
                "largest": compared.max(),
                "largest_id": compared.idxmax() if len(compared) else "",
                "tolerance": tolerance,
                "n_above_tolerance": None
                if tolerance is None
                else int((compared > tolerance).sum()),
            }
        )
    return pd.DataFrame(rows)

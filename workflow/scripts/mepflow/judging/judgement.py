r"""Rows of charges on one grid of a reference: medians, paired differences, and a ranking.

The errors of structures are those of :mod:`mepflow.judging.structure_errors`. All rows are judged
on the structures that *all* of them cover; a row that covers less than :data:`FEWEST_SHARE` of the
structures stands apart, so that it does not cost the others theirs.

The rank of a row is one more than the number of rows whose error is smaller beyond doubt: whose
paired 95 % interval over molecules excludes no difference.

The rank correlations of V_max and V_min are Spearman's, over the structures without a total charge:
ions would put themselves into order by their charge alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from mepflow.electrostatics.penetration import Widths
from mepflow.evaluation.paired_differences import (
    difference_of,
    errors_by_molecule,
    paired_differences,
)
from mepflow.evaluation.rank_correlation import mean_correlation
from mepflow.evaluation.statistics import FEWEST_MOLECULES, bootstrap_interval
from mepflow.judging.judged_terms import JudgedTerms
from mepflow.judging.structure_errors import (
    DIPOLE_ERROR,
    EXTREMES,
    QUADRUPOLE_ERROR,
    RMSE,
    errors_of_rows,
    extreme_column,
)
from mepflow.molecules import MoleculeTable

FEWEST_SHARE: Final = 0.75
COST: Final = "cpu_s_per_structure"
FITS: Final = (
    "fitted-charges", "fitted-charges-dipoles", "fitted-charges-dipoles-quadrupoles",
)  # fmt: skip
PENETRATION: Final = "-penetration"
"""End of the name of a fit that knows the penetration of the valence shells."""
FLOORS: Final = (*FITS, *(name + PENETRATION for name in FITS))
"""Methods that are no contestants: the least error that such terms can have."""


@dataclass(frozen=True)
class Judgement:
    """Errors by structure and row, the table of the rows, and their paired differences.

    ``shared`` is the number of structures that all rows of the table cover, ``apart`` tells how
    many structures the others cover, which are in neither. The column ``judged`` of the errors
    tells which of them count in the table.
    """

    errors: pd.DataFrame
    table: pd.DataFrame
    differences: pd.DataFrame
    shared: int
    apart: Mapping[str, int]

    @property
    def judged(self) -> pd.DataFrame:
        """Return the errors that count in the table."""
        return self.errors[self.errors["judged"]]


def judge(
    rows: Mapping[str, Mapping[int, JudgedTerms]],
    reference: MoleculeTable,
    grid: str,
    widths: Mapping[str, Widths] | None = None,
    costs: Mapping[str, float] | None = None,
) -> Judgement:
    """Judge the terms of each row, by row of the reference, on one of its grids.

    The potential of a row that ``widths`` (in bohr by element) know has penetration. ``costs`` are
    CPU seconds per structure, where they are known.
    """
    n_structures = sum(bool(len(reference.grids[grid].of(k)[1])) for k in range(len(reference)))
    errors = errors_of_rows(rows, reference, grid, widths or {})
    found = errors.groupby("name")["id"].nunique()
    counts = {name: int(found.get(name, 0)) for name in rows}
    fewest = max(1.0, FEWEST_SHARE * n_structures)
    whole = [name for name, count in counts.items() if count >= fewest]
    apart = {name: count for name, count in counts.items() if name not in whole}
    covering = errors["name"].isin(whole)
    sets = [frozenset(ids) for _, ids in errors[covering].groupby("name")["id"]]
    shared = frozenset.intersection(*sets) if sets else frozenset()
    errors["judged"] = covering & errors["id"].isin(shared)
    kept = errors[errors["judged"]]
    pairs = paired_differences(errors_by_molecule(kept, RMSE)) if len(kept) else pd.DataFrame()
    return Judgement(errors, _table(kept, pairs, costs or {}), pairs, len(shared), apart)


def _table(errors: pd.DataFrame, pairs: pd.DataFrame, costs: Mapping[str, float]) -> pd.DataFrame:
    if not len(errors):
        return pd.DataFrame()
    rows = []
    names = list(dict.fromkeys(errors["name"]))
    for name in names:
        own = errors[errors["name"] == name]
        low, high = bootstrap_interval(own[RMSE].to_numpy(), molecules=own["molecule"])
        rows.append({
            "row": name, "rank": _rank(name, names, pairs),
            "n_structures": len(own), "n_molecules": own["molecule"].nunique(),
            "median_rmse_kcal_per_mol_e": own[RMSE].median(),
            "median_rmse_low_kcal_per_mol_e": low, "median_rmse_high_kcal_per_mol_e": high,
            "largest_rmse_kcal_per_mol_e": own[RMSE].max(),
            "median_relative_rmse": own["relative_rmse"].median(),
            "median_r2": own["r2"].median(),
            f"median_{DIPOLE_ERROR}": own[DIPOLE_ERROR].median(),
            f"median_{QUADRUPOLE_ERROR}": own[QUADRUPOLE_ERROR].median(),
            **_of_extremes(own),
            COST: costs.get(name, float("nan")),
        })  # fmt: skip
    return pd.DataFrame(rows).sort_values("median_rmse_kcal_per_mol_e", ignore_index=True)


def _of_extremes(errors: pd.DataFrame) -> dict[str, float]:
    """Return the mean absolute errors of the extremes, and how well their order is kept."""
    found: dict[str, float] = {}
    neutral = errors[errors["total_charge"] == 0]
    for extreme in EXTREMES:
        names = [extreme_column(extreme, of) for of in ("reference", "predicted")]
        away = errors[names[1]] - errors[names[0]]
        found[f"mae_{extreme}_kcal_per_mol_e"] = float(away.abs().mean())
        of_extreme = [f"correlation_{extreme}{end}" for end in ("", "_low", "_high")]
        if neutral["molecule"].nunique() < FEWEST_MOLECULES:
            found |= dict.fromkeys(of_extreme, float("nan"))
            continue
        true, predicted = (neutral[name].to_numpy() for name in names)
        numbers = mean_correlation(true, predicted[:, None], list(neutral["molecule"]))
        found |= dict(zip(of_extreme, numbers, strict=True))
    return found


def _rank(name: str, names: Sequence[str], pairs: pd.DataFrame) -> int | None:
    """Return how many contestants are better beyond doubt, plus one; None for a floor."""
    if name in FLOORS:
        return None
    others = [other for other in names if other != name and other not in FLOORS]
    return 1 + sum(difference_of(pairs, name, other)[1] > 0 for other in others)

r"""Errors of charges against a reference, their medians and paired differences, and a ranking.

For each structure the RMSE, relative RMSE and R² of the potential on one grid of the reference
(:mod:`mepflow.evaluation.mep_errors`), and the dipole of the atomic terms about the centre of
nuclear charge less the reference's. All rows are judged on the structures that *all* of them cover;
a row that covers less than :data:`FEWEST_SHARE` of the structures stands apart, so that it does not
cost the others theirs.

The rank of a row is one more than the number of rows whose error is smaller beyond doubt: whose
paired 95 % interval over molecules excludes no difference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from mepflow.electrostatics.atomic_terms import AtomicTerms, molecular_multipoles
from mepflow.electrostatics.potential import potential
from mepflow.evaluation.mep_errors import mep_errors
from mepflow.evaluation.paired_differences import (
    difference_of,
    errors_by_molecule,
    paired_differences,
)
from mepflow.evaluation.predictions_file import molecule_names
from mepflow.evaluation.statistics import bootstrap_interval
from mepflow.molecules import MoleculeTable
from mepflow.units import E_BOHR_IN_DEBYE, HARTREE_PER_E_IN_KCAL_PER_MOL_E

RMSE: Final = "rmse_kcal_per_mol_e"
DIPOLE_ERROR: Final = "dipole_error_debye"
FEWEST_SHARE: Final = 0.75
FLOORS: Final = ("fitted-charges", "fitted-charges-dipoles", "fitted-charges-dipoles-quadrupoles")
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


def judge(
    rows: Mapping[str, Mapping[int, AtomicTerms]], reference: MoleculeTable, grid: str
) -> Judgement:
    """Judge the atomic terms of each row, by row of the reference, on one of its grids."""
    n_structures = sum(bool(len(reference.grids[grid].of(k)[1])) for k in range(len(reference)))
    errors = pd.concat(
        [_errors(name, terms, reference, grid) for name, terms in rows.items()], ignore_index=True
    )
    counts = errors.groupby("name", sort=False)["id"].nunique()
    whole = [name for name, count in counts.items() if count >= FEWEST_SHARE * n_structures]
    apart = {str(name): int(count) for name, count in counts.items() if name not in whole}
    covering = errors["name"].isin(whole)
    sets = [frozenset(ids) for _, ids in errors[covering].groupby("name")["id"]]
    shared = frozenset.intersection(*sets) if sets else frozenset()
    errors["judged"] = covering & errors["id"].isin(shared)
    kept = errors[errors["judged"]]
    pairs = paired_differences(errors_by_molecule(kept, RMSE)) if len(kept) else pd.DataFrame()
    return Judgement(errors, _table(kept, pairs), pairs, len(shared), apart)


def _errors(
    name: str, terms: Mapping[int, AtomicTerms], reference: MoleculeTable, grid: str
) -> pd.DataFrame:
    molecules = molecule_names(reference)
    found = []
    for row, own in sorted(terms.items()):
        points, values = reference.grids[grid].of(row)
        if not len(values):
            continue
        molecule = reference.molecule(row)
        of_charges = np.asarray(potential(points, molecule.positions, *own))
        errors = mep_errors(values, of_charges)
        dipole = molecular_multipoles(molecule, own)[0]
        away = np.linalg.norm(dipole - reference.property_of("dipole", row)) * E_BOHR_IN_DEBYE
        factor = HARTREE_PER_E_IN_KCAL_PER_MOL_E
        found.append({
            "name": name, "id": molecule.id, "molecule": molecules[row],
            RMSE: errors.rmse * factor, "relative_rmse": errors.relative_rmse, "r2": errors.r2,
            DIPOLE_ERROR: float(away),
            "highest_error_kcal_per_mol_e": float(of_charges.max() - values.max()) * factor,
            "lowest_error_kcal_per_mol_e": float(of_charges.min() - values.min()) * factor,
        })  # fmt: skip
    return pd.DataFrame(found)


def _table(errors: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
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
            "median_dipole_error_debye": own[DIPOLE_ERROR].median(),
            "mae_highest_kcal_per_mol_e": own["highest_error_kcal_per_mol_e"].abs().mean(),
            "mae_lowest_kcal_per_mol_e": own["lowest_error_kcal_per_mol_e"].abs().mean(),
        })  # fmt: skip
    return pd.DataFrame(rows).sort_values("median_rmse_kcal_per_mol_e", ignore_index=True)


def _rank(name: str, names: Sequence[str], pairs: pd.DataFrame) -> int | None:
    """Return how many contestants are better beyond doubt, plus one; None for a floor."""
    if name in FLOORS:
        return None
    others = [other for other in names if other != name and other not in FLOORS]
    return 1 + sum(difference_of(pairs, name, other)[1] > 0 for other in others)

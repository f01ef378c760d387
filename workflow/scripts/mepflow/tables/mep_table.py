"""Table of the errors of the MEP."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from mepflow.evaluation.mep_errors import WITH_PENETRATION
from mepflow.evaluation.sources import (
    Source,
    read_sources,
    require_same_molecules,
    shared_molecules,
)
from mepflow.evaluation.statistics import summarize
from mepflow.naming import grid_label, representation_label
from mepflow.tables.writing import NONE, Column, decimal_text, number, range_text, write_table
from mepflow.units import HARTREE_PER_E_IN_KCAL_PER_MOL_E, HARTREE_PER_E_IN_MILLIVOLT

KCAL_PER_MOL_E_IN_MILLIVOLT: Final = HARTREE_PER_E_IN_MILLIVOLT / HARTREE_PER_E_IN_KCAL_PER_MOL_E
_RMSE: Final = "rmse_kcal_per_mol_e"
_SHARED: Final = "median_rmse_shared_kcal_per_mol_e"
_WITH_PENETRATION: Final = "median_rmse_with_penetration_kcal_per_mol_e"


def mep_table(
    sources: Sequence[Source], headline_grid: str, bootstrap_seed: int = 0
) -> pd.DataFrame:
    """Return MEP errors per grid and representation, the headline grid first.

    ``sources`` are the per-molecule CSV files of
    :func:`mepflow.evaluation.mep_errors.evaluate_mep`, in the order that the rows shall have.
    Method: :mod:`mepflow.evaluation.statistics`. A baseline may cover fewer molecules than the
    models; one median of every row is over the molecules that all rows of the grid have, and can be
    compared.

    Raises :class:`InputError` where the representations of a grid are about different molecules.
    """
    errors = read_sources(sources)
    names = list(dict.fromkeys(source.name for source in sources))
    baselines = {source.name for source in sources if source.is_baseline}
    rows = []
    for grid in sorted(errors["grid"].unique(), key=lambda grid: (grid != headline_grid, grid)):
        on_grid = errors[errors["grid"] == grid]
        require_same_molecules(on_grid)
        shared = shared_molecules(on_grid)
        for name in names:
            kind = "baseline" if name in baselines else "model"
            of_name = on_grid[on_grid["name"] == name]
            row = _mep_row(of_name, bootstrap_seed) | _shared_columns(of_name, shared)
            if WITH_PENETRATION in errors:
                row |= _penetration_columns(of_name, bootstrap_seed)
            rows.append({"grid": grid, "representation": name, "kind": kind, **row})
    return pd.DataFrame(rows)


def _shared_columns(errors: pd.DataFrame, shared: frozenset[str]) -> dict[str, float]:
    of_shared = errors[errors["id"].isin(shared)]
    per_molecule = of_shared.groupby("id")[_RMSE].mean()
    return {"n_shared_structures": len(shared), _SHARED: float(per_molecule.median())}


def _penetration_columns(errors: pd.DataFrame, bootstrap_seed: int) -> dict[str, float]:
    """Return the median with penetration, of the structures that have it."""
    errors = errors.dropna(subset=WITH_PENETRATION)
    median = low = high = float("nan")
    if len(errors):
        rmse = summarize(errors, WITH_PENETRATION, seed=bootstrap_seed)
        median, low, high = rmse.median, rmse.median_low, rmse.median_high
    return {
        "n_structures_with_penetration": errors["id"].nunique(),
        _WITH_PENETRATION: median,
        "median_rmse_with_penetration_low_kcal_per_mol_e": low,
        "median_rmse_with_penetration_high_kcal_per_mol_e": high,
    }


def _mep_row(errors: pd.DataFrame, bootstrap_seed: int) -> dict[str, float]:
    rmse = summarize(errors, _RMSE, seed=bootstrap_seed)
    per_molecule = errors.groupby("id")[["mae_kcal_per_mol_e", "relative_rmse", "r2"]].mean()
    mae = float(per_molecule["mae_kcal_per_mol_e"].median())
    return {
        "n_structures": rmse.n_structures,
        "n_molecules": rmse.n_molecules,
        "n_seeds": rmse.n_seeds,
        "median_rmse_kcal_per_mol_e": rmse.median,
        "median_rmse_low_kcal_per_mol_e": rmse.median_low,
        "median_rmse_high_kcal_per_mol_e": rmse.median_high,
        "median_rmse_seed_deviation_kcal_per_mol_e": rmse.seed_deviation,
        "mean_rmse_kcal_per_mol_e": rmse.mean,
        "mean_rmse_low_kcal_per_mol_e": rmse.mean_low,
        "mean_rmse_high_kcal_per_mol_e": rmse.mean_high,
        "median_mae_kcal_per_mol_e": mae,
        "median_rmse_millivolt": rmse.median * KCAL_PER_MOL_E_IN_MILLIVOLT,
        "mean_rmse_millivolt": rmse.mean * KCAL_PER_MOL_E_IN_MILLIVOLT,
        "median_mae_millivolt": mae * KCAL_PER_MOL_E_IN_MILLIVOLT,
        "median_relative_rmse": float(per_molecule["relative_rmse"].median()),
        "median_r2": float(per_molecule["r2"].median()),
    }


def write_mep_table(
    sources: Sequence[Source],
    headline_grid: str,
    csv: Path,
    markdown: Path,
    bootstrap_seed: int = 0,
) -> None:
    """Write :func:`mep_table` as CSV and Markdown.

    The Markdown has a column of the molecules that all rows share where some row has fewer, and one
    with penetration where errors have it.
    """
    table = mep_table(sources, headline_grid, bootstrap_seed)
    all_alike = (table["n_structures"] == table["n_shared_structures"]).all()
    shared = () if all_alike else (Column("Shared: median RMSE (kcal/mol/e)", number(_SHARED)),)
    counts = () if all_alike else (Column("Shared", lambda row: str(row.n_shared_structures)),)
    has_penetration = _WITH_PENETRATION in table and table[_WITH_PENETRATION].notna().any()
    heading = "With penetration: median RMSE (kcal/mol/e)"
    penetration = (Column(heading, number(_WITH_PENETRATION)),) if has_penetration else ()
    columns = (
        Column("Grid", lambda row: grid_label(row.grid), "left"),
        Column("Representation", lambda row: representation_label(row.representation), "left"),
        Column("Median RMSE (kcal/mol/e)", number("median_rmse_kcal_per_mol_e")),
        Column(
            "95 % interval (kcal/mol/e)",
            lambda row: range_text(
                row.median_rmse_low_kcal_per_mol_e, row.median_rmse_high_kcal_per_mol_e
            ),
        ),
        *shared,
        *penetration,
        Column("SD over seeds (kcal/mol/e)", number("median_rmse_seed_deviation_kcal_per_mol_e")),
        Column("Mean RMSE (kcal/mol/e)", number("mean_rmse_kcal_per_mol_e")),
        Column("Median MAE (kcal/mol/e)", number("median_mae_kcal_per_mol_e")),
        Column("Median RMSE (mV)", number("median_rmse_millivolt", 1)),
        Column("Median MAE (mV)", number("median_mae_millivolt", 1)),
        Column(
            "Median relative RMSE (%)",
            lambda row: decimal_text(100.0 * row.median_relative_rmse, 1),
        ),
        Column("Median R²", number("median_r2", 3)),
        Column("Structures", lambda row: str(row.n_structures)),
        *counts,
        Column("Seeds", lambda row: str(row.n_seeds) if row.kind == "model" else NONE),
    )
    write_table(table, columns, csv, markdown)

"""Table of the errors of the MEP."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from mepflow.evaluation.mep_errors import WITH_PENETRATION
from mepflow.evaluation.paired_differences import (
    difference_of,
    errors_by_molecule,
    paired_differences,
)
from mepflow.evaluation.sources import (
    Source,
    read_sources,
    require_same_molecules,
    shared_molecules,
)
from mepflow.evaluation.statistics import summarize
from mepflow.evaluation.validation_choice import validation_errors
from mepflow.naming import grid_words, representation_label
from mepflow.storage.csv_file import write_csv
from mepflow.tables.writing import (
    Column,
    Part,
    counted,
    decimal_text,
    difference_text,
    number,
    range_text,
    seeds_text,
    write_markdown,
)
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
    logs: Sequence[Source],
    headline_grid: str,
    *,
    csv: Path,
    differences: Path,
    markdown: Path,
    bootstrap_seed: int = 0,
) -> None:
    """Write :func:`mep_table` as CSV, and as Markdown with a part for each grid.

    ``logs`` are those of the trainings, by which one variant is chosen to compare the others with
    (:mod:`mepflow.evaluation.validation_choice`); their numbers are a column of the CSV file. The
    paired differences of all pairs on the headline grid go to the CSV file ``differences``.
    The Markdown has a column with penetration where errors have it.
    """
    table = mep_table(sources, headline_grid, bootstrap_seed)
    choice = validation_errors(logs)
    table.insert(3, "validation_error", table["representation"].map(choice))
    pairs = _differences(sources, headline_grid, bootstrap_seed)
    write_csv(table, csv)
    write_csv(pairs, differences)
    parts = [
        Part(
            f"{_capitalized(grid_words(str(grid)))}: {_counts(of_grid)}",
            of_grid,
            _columns(of_grid, str(choice.idxmin()), pairs if grid == headline_grid else None),
        )
        for grid, of_grid in table.groupby("grid", sort=False)
    ]
    note = (
        "Errors in kcal/mol/e; medians and means over the test structures, with the 95 % bootstrap"
        f" interval of the median. {choice.idxmin()} is the variant with the smallest errors of"
        " dipole and quadrupole on the validation molecules; a difference to it is the mean over"
        " the molecules of one grid. The CSV file has more digits, and mV."
    )
    write_markdown(
        parts, markdown, title="Errors of the molecular electrostatic potential (MEP)", note=note
    )


def _differences(sources: Sequence[Source], grid: str, seed: int) -> pd.DataFrame:
    errors = read_sources(sources)
    pairs = paired_differences(errors_by_molecule(errors[errors["grid"] == grid], _RMSE), seed)
    pairs.insert(0, "grid", grid)
    return pairs


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def _counts(table: pd.DataFrame) -> str:
    """Return the numbers of structures and seeds of a grid's rows in words."""
    structures, least = table["n_structures"].max(), table["n_structures"].min()
    some = "" if structures == least else f" ({least:,} in some rows)"
    models = table.loc[table["kind"] == "model", "n_seeds"]
    seeds = f", {seeds_text(models)}" if len(models) else ""
    return f"{counted(structures, 'structure')}{some}{seeds}"


def _columns(table: pd.DataFrame, chosen: str, pairs: pd.DataFrame | None) -> list[Column]:
    """Return the columns of a grid; some only where rows or seeds differ, or pairs are given."""
    all_alike = (table["n_structures"] == table["n_shared_structures"]).all()
    of_shared = [
        Column("Median RMSE, shared structures", number(_SHARED)),
        Column("Structures", lambda row: f"{row.n_structures:,}"),
    ]
    has_penetration = _WITH_PENETRATION in table and table[_WITH_PENETRATION].notna().any()
    penetration = Column("Median RMSE with penetration", number(_WITH_PENETRATION))
    deviation = Column(
        "SD of the median over seeds", number("median_rmse_seed_deviation_kcal_per_mol_e")
    )
    return [
        Column("Representation", lambda row: representation_label(row.representation), "left"),
        Column("Median RMSE", number("median_rmse_kcal_per_mol_e")),
        Column(
            "95 % interval",
            lambda row: range_text(
                row.median_rmse_low_kcal_per_mol_e, row.median_rmse_high_kcal_per_mol_e
            ),
        ),
        *([] if all_alike else of_shared),
        *([] if pairs is None else [_paired(pairs, chosen)]),
        *([penetration] if has_penetration else []),
        *([deviation] if table["n_seeds"].max() > 1 else []),
        Column("Mean RMSE", number("mean_rmse_kcal_per_mol_e")),
        Column("Median MAE", number("median_mae_kcal_per_mol_e")),
        Column("Relative RMSE (%)", lambda row: decimal_text(100.0 * row.median_relative_rmse, 1)),
        Column("Median R²", number("median_r2", 3)),
    ]


def _paired(pairs: pd.DataFrame, chosen: str) -> Column:
    def cell(row: Any) -> str:
        if row.representation == chosen:
            return "chosen"
        return difference_text(*difference_of(pairs, row.representation, chosen))

    return Column(f"Difference to {chosen}, paired", cell)

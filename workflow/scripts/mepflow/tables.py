"""Tables of a run: CSV for machines, with the unit in every column's name, Markdown for people."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import pandas as pd

from mepflow.evaluation.statistics import (
    Source,
    pooled_rmse,
    read_sources,
    require_same_molecules,
    summarize,
)
from mepflow.files import atomic_path
from mepflow.labels import grid_label, reason_label, representation_label
from mepflow.units import (
    E_BOHR2_IN_DEBYE_ANGSTROM,
    E_BOHR_IN_DEBYE,
    HARTREE_PER_E_IN_KCAL_PER_MOL_E,
    HARTREE_PER_E_IN_MILLIVOLT,
)

KCAL_PER_MOL_E_IN_MILLIVOLT: Final = HARTREE_PER_E_IN_MILLIVOLT / HARTREE_PER_E_IN_KCAL_PER_MOL_E
IDS_SHOWN: Final = 3
"""Ids that a cell of the Markdown table of filters shows; the CSV file has all."""


@dataclass(frozen=True)
class Column:
    """A column of a Markdown table: its heading with the unit, and the text of a row's cell."""

    heading: str
    cell: Callable[[Any], str]
    alignment: Literal["left", "right"] = "right"


def write_table(frame: pd.DataFrame, columns: Sequence[Column], csv: Path, markdown: Path) -> None:
    """Write all of ``frame`` as CSV, and the chosen ``columns`` as aligned Markdown, atomically.

    Each column makes its cells from a row of the frame (a named tuple).
    """
    with atomic_path(csv) as temporary:
        frame.to_csv(temporary, index=False)
    rows = list(frame.itertuples(index=False))
    shown = pd.DataFrame({c.heading: [c.cell(row) for row in rows] for c in columns}, dtype=str)
    with atomic_path(markdown) as temporary:
        # Cells are finished text: the writer must not read numbers into them again.
        alignments = [column.alignment for column in columns]
        text = shown.to_markdown(index=False, disable_numparse=True, colalign=alignments)
        temporary.write_text(f"{text}\n", encoding="utf-8")


def mep_table(
    sources: Sequence[Source], headline_grid: str, bootstrap_seed: int = 0
) -> pd.DataFrame:
    """Return MEP errors per grid and representation, the headline grid first.

    ``sources`` are the per-molecule CSV files of :func:`mepflow.evaluation.mep.evaluate_mep`, in
    the order that the rows shall have. Method: :mod:`mepflow.evaluation.statistics`.

    Raises :class:`InputError` where the representations of a grid are about different molecules.
    """
    errors = read_sources(sources)
    names = list(dict.fromkeys(source.name for source in sources))
    baselines = {source.name for source in sources if source.is_baseline}
    rows = []
    for grid in sorted(errors["grid"].unique(), key=lambda grid: (grid != headline_grid, grid)):
        on_grid = errors[errors["grid"] == grid]
        require_same_molecules(on_grid)
        for name in names:
            kind = "baseline" if name in baselines else "model"
            row = _mep_row(on_grid[on_grid["name"] == name], bootstrap_seed)
            rows.append({"grid": grid, "representation": name, "kind": kind, **row})
    return pd.DataFrame(rows)


def _mep_row(errors: pd.DataFrame, bootstrap_seed: int) -> dict[str, float]:
    rmse = summarize(errors, "rmse_kcal_per_mol_e", seed=bootstrap_seed)
    per_molecule = errors.groupby("id")[["mae_kcal_per_mol_e", "relative_rmse", "r2"]].mean()
    mae = float(per_molecule["mae_kcal_per_mol_e"].median())
    return {
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


def multipole_table(sources: Sequence[Source]) -> pd.DataFrame:
    """Return errors of the molecular dipole and quadrupole per representation.

    ``sources`` are the per-molecule CSV files of
    :func:`mepflow.evaluation.multipoles.evaluate_multipoles`. RMSE and MAE are over all components
    of all molecules and seeds; the MAE of |μ| is the measure usual for QM9.
    """
    errors = read_sources(sources)
    require_same_molecules(errors)
    rows = []
    for name in dict.fromkeys(source.name for source in sources):
        of_name = errors[errors["name"] == name]
        norm_mae = float(of_name["dipole_norm_error_e_bohr"].abs().mean())
        rows.append(
            {
                "representation": name,
                "n_molecules": of_name["id"].nunique(),
                "n_seeds": of_name["seed"].nunique(),
                "dipole_rmse_e_bohr": pooled_rmse(of_name["dipole_rmse_e_bohr"]),
                "dipole_mae_e_bohr": float(of_name["dipole_mae_e_bohr"].mean()),
                "dipole_norm_mae_e_bohr": norm_mae,
                "dipole_norm_mae_debye": norm_mae * E_BOHR_IN_DEBYE,
                "quadrupole_rmse_e_bohr2": pooled_rmse(of_name["quadrupole_rmse_e_bohr2"]),
                "quadrupole_mae_e_bohr2": float(of_name["quadrupole_mae_e_bohr2"].mean()),
            }
        )
    frame = pd.DataFrame(rows)
    frame["quadrupole_rmse_debye_angstrom"] = (
        frame["quadrupole_rmse_e_bohr2"] * E_BOHR2_IN_DEBYE_ANGSTROM
    )
    return frame


def write_mep_table(
    sources: Sequence[Source],
    headline_grid: str,
    csv: Path,
    markdown: Path,
    bootstrap_seed: int = 0,
) -> None:
    """Write :func:`mep_table` as CSV and Markdown."""
    columns = (
        Column("Grid", lambda row: grid_label(row.grid), "left"),
        Column("Representation", lambda row: representation_label(row.representation), "left"),
        Column("Median RMSE (kcal/mol/e)", _number("median_rmse_kcal_per_mol_e")),
        Column(
            "95 % interval (kcal/mol/e)",
            lambda row: _range(
                row.median_rmse_low_kcal_per_mol_e, row.median_rmse_high_kcal_per_mol_e
            ),
        ),
        Column("SD over seeds (kcal/mol/e)", _number("median_rmse_seed_deviation_kcal_per_mol_e")),
        Column("Mean RMSE (kcal/mol/e)", _number("mean_rmse_kcal_per_mol_e")),
        Column("Median MAE (kcal/mol/e)", _number("median_mae_kcal_per_mol_e")),
        Column("Median RMSE (mV)", _number("median_rmse_millivolt", 1)),
        Column("Median MAE (mV)", _number("median_mae_millivolt", 1)),
        Column("Median relative RMSE (%)", lambda row: _text(100.0 * row.median_relative_rmse, 1)),
        Column("Median R²", _number("median_r2", 3)),
        Column("Molecules", lambda row: str(row.n_molecules)),
        Column("Seeds", lambda row: str(row.n_seeds) if row.kind == "model" else "–"),
    )
    write_table(mep_table(sources, headline_grid, bootstrap_seed), columns, csv, markdown)


def write_multipole_table(sources: Sequence[Source], csv: Path, markdown: Path) -> None:
    """Write :func:`multipole_table` as CSV and Markdown."""
    columns = (
        Column("Representation", lambda row: representation_label(row.representation), "left"),
        Column("Dipole RMSE (e·bohr)", _number("dipole_rmse_e_bohr", 4)),
        Column("Dipole MAE (e·bohr)", _number("dipole_mae_e_bohr", 4)),
        Column("MAE of \\|μ\\| (D)", _number("dipole_norm_mae_debye", 3)),
        Column("Quadrupole Θ′ RMSE (e·bohr²)", _number("quadrupole_rmse_e_bohr2", 3)),
        Column("Quadrupole Θ′ MAE (e·bohr²)", _number("quadrupole_mae_e_bohr2", 3)),
        Column("Quadrupole Θ′ RMSE (D·Å)", _number("quadrupole_rmse_debye_angstrom", 3)),
        Column("Molecules", lambda row: str(row.n_molecules)),
    )
    write_table(multipole_table(sources), columns, csv, markdown)


def write_filter_table(summary: pd.DataFrame, csv: Path, markdown: Path) -> None:
    """Write what :func:`mepflow.filters.summarise` counted: reason, count, ids.

    The Markdown shows the first few ids of each reason only.
    """
    columns = (
        Column("Reason", lambda row: reason_label(row.reason), "left"),
        Column("Rejected (molecules)", lambda row: f"{row.count:,}"),
        Column("Ids", lambda row: shortened(row.ids.split()), "left"),
    )
    write_table(summary, columns, csv, markdown)


def shortened(ids: Sequence[str]) -> str:
    """Return the first ids and how many more there are."""
    more = len(ids) - IDS_SHOWN
    shown = ", ".join(ids[:IDS_SHOWN])
    return f"{shown} and {more:,} more" if more > 0 else shown


def _number(name: str, decimals: int = 2) -> Callable[[Any], str]:
    return lambda row: _text(getattr(row, name), decimals)


def _text(value: float, decimals: int) -> str:
    return "–" if pd.isna(value) else f"{value:.{decimals}f}"


def _range(low: float, high: float) -> str:
    return "–" if pd.isna(low) else f"{low:.2f} to {high:.2f}"

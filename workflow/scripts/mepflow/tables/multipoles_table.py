"""Table of the errors of the molecular dipole and quadrupole."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mepflow.evaluation.sources import Source, read_sources, require_same_molecules
from mepflow.evaluation.statistics import pooled_rmse
from mepflow.naming import representation_label
from mepflow.tables.writing import Column, number, write_table
from mepflow.units import E_BOHR2_IN_DEBYE_ANGSTROM, E_BOHR_IN_DEBYE


def multipole_table(sources: Sequence[Source]) -> pd.DataFrame:
    """Return errors of the molecular dipole and quadrupole per representation.

    ``sources`` are the per-molecule CSV files of
    :func:`mepflow.evaluation.multipole_errors.evaluate_multipoles`. RMSE and MAE are over all
    components of all molecules and seeds; the MAE of |μ| is the measure usual for QM9.
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
                "n_structures": of_name["id"].nunique(),
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


def write_multipole_table(sources: Sequence[Source], csv: Path, markdown: Path) -> None:
    """Write :func:`multipole_table` as CSV and Markdown."""
    columns = (
        Column("Representation", lambda row: representation_label(row.representation), "left"),
        Column("Dipole RMSE (e·bohr)", number("dipole_rmse_e_bohr", 4)),
        Column("Dipole MAE (e·bohr)", number("dipole_mae_e_bohr", 4)),
        Column("MAE of \\|μ\\| (D)", number("dipole_norm_mae_debye", 3)),
        Column("Quadrupole Θ′ RMSE (e·bohr²)", number("quadrupole_rmse_e_bohr2", 3)),
        Column("Quadrupole Θ′ MAE (e·bohr²)", number("quadrupole_mae_e_bohr2", 3)),
        Column("Quadrupole Θ′ RMSE (D·Å)", number("quadrupole_rmse_debye_angstrom", 3)),
        Column("Structures", lambda row: str(row.n_structures)),
    )
    write_table(
        multipole_table(sources),
        columns,
        csv,
        markdown,
        title="Errors of the molecular dipole and quadrupole",
        note="Over all components of all test structures and seeds, where outliers weigh much;"
        " medians over structures are in the table of the trade-off.",
    )

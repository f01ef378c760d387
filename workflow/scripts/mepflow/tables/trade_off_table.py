"""Table of what the loss weights trade: the dipole's error against the quadrupole's."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from mepflow.evaluation.sources import Source, read_sources, require_same_molecules
from mepflow.evaluation.statistics import summarize
from mepflow.naming import representation_label
from mepflow.tables.writing import NONE, Column, number, write_table

_ERRORS: Final = {"dipole": "dipole_rmse_e_bohr", "quadrupole": "quadrupole_rmse_e_bohr2"}


def trade_off_table(
    sources: Sequence[Source], variants: Mapping[str, Mapping[str, Any]]
) -> pd.DataFrame:
    """Return the median errors of both multipoles, and the loss weights, per representation.

    ``sources`` are the per-molecule CSV files of
    :func:`mepflow.evaluation.multipole_errors.evaluate_multipoles`, ``variants`` the rows of the
    configuration. ``dipole_share`` is the dipole's part of the two weights, 0 to 1; ``terms`` says
    what the variant predicts and what its quadrupole is made of. Both are empty for a baseline, the
    share also for a variant that learns neither.
    """
    errors = read_sources(sources)
    require_same_molecules(errors)
    rows = []
    for name in dict.fromkeys(source.name for source in sources):
        of_name = errors[errors["name"] == name]
        row: dict[str, Any] = {"representation": name, **_description(variants.get(name))}
        for multipole, column in _ERRORS.items():
            found = summarize(of_name, column)
            row[f"median_{column}"] = found.median
            row[f"median_{multipole}_low"] = found.median_low
            row[f"median_{multipole}_high"] = found.median_high
        counts = {"n_structures": found.n_structures, "n_molecules": found.n_molecules}
        rows.append(row | counts)
    return pd.DataFrame(rows)


def _description(variant: Mapping[str, Any] | None) -> dict[str, Any]:
    if variant is None:
        return {"terms": "", "dipole_weight": None, "quadrupole_weight": None, "dipole_share": None}
    dipole, quadrupole = (variant["loss_weights"].get(name, 0.0) for name in _ERRORS)
    consistent = variant["quadrupole_from"] == "all"
    return {
        "terms": " + ".join(variant["atomic_terms"]) + (", consistent" if consistent else ""),
        "dipole_weight": dipole,
        "quadrupole_weight": quadrupole,
        "dipole_share": dipole / (dipole + quadrupole) if dipole or quadrupole else None,
    }


def write_trade_off_table(
    sources: Sequence[Source],
    variants: Mapping[str, Mapping[str, Any]],
    csv: Path,
    markdown: Path,
) -> None:
    """Write :func:`trade_off_table` as CSV and Markdown."""
    columns = (
        Column("Representation", lambda row: representation_label(row.representation), "left"),
        Column("Atomic terms", lambda row: row.terms or NONE, "left"),
        Column("Weight of the dipole", _weight("dipole_weight")),
        Column("Weight of the quadrupole", _weight("quadrupole_weight")),
        Column("Median dipole RMSE (e·bohr)", number("median_dipole_rmse_e_bohr", 4)),
        Column("Median quadrupole Θ′ RMSE (e·bohr²)", number("median_quadrupole_rmse_e_bohr2", 3)),
        Column("Structures", lambda row: str(row.n_structures)),
    )
    write_table(
        trade_off_table(sources, variants),
        columns,
        csv,
        markdown,
        title="Errors of dipole and quadrupole, and their weights in the loss",
        note="Medians over the test structures, errors averaged over seeds.",
    )


def _weight(name: str) -> Any:
    return lambda row: NONE if pd.isna(getattr(row, name)) else f"{getattr(row, name):g}"

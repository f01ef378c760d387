"""Table of where the MEP is wrong: by distance, by nearest element, by kind of molecule."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from mepflow.evaluation.breakdown import DISTANCE, ELEMENT, GROUP, SINGLE_VALUES, breakdown
from mepflow.evaluation.sources import Source, structures_by_seeds
from mepflow.evaluation.statistics import (
    FEWEST_MOLECULES,
    bootstrap_interval,
    pooled_rmse,
    values_of_molecules,
)
from mepflow.naming import grid_words, representation_label
from mepflow.storage.csv_file import write_csv
from mepflow.tables.writing import Column, Part, decimal_text, write_markdown

_RMSE: Final = "rmse_kcal_per_mol_e"
_HEADINGS: Final = {
    DISTANCE: "By distance from the van der Waals surface (Å)",
    ELEMENT: "By nearest element",
    GROUP: "By kind of molecule",
}
_NO_MODEL: Final = "No model (V = 0)"
"""A model that says nothing: its RMSE is the root mean square of the reference potential."""


def breakdown_table(errors: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return a row per part and representation from what :func:`breakdown` measured.

    ``names`` are the representations in the order that the rows shall have. Medians are over the
    structures that have points in the part, errors averaged over seeds before; the interval is the
    95 % bootstrap interval over molecules. Where these are too few for one, the column
    :data:`~mepflow.evaluation.breakdown.SINGLE_VALUES` has their errors instead.
    """
    rows = []
    for by in _HEADINGS:
        of_kind = errors[errors["by"] == by].sort_values("order", kind="stable")
        for part in of_kind["part"].unique():
            of_part = of_kind[of_kind["part"] == part]
            for name in names:
                of_name = of_part[of_part["name"] == name]
                if len(of_name):
                    rows.append({"by": by, "part": part, "representation": name, **_row(of_name)})
    return pd.DataFrame(rows)


def _row(errors: pd.DataFrame) -> dict[str, Any]:
    values = structures_by_seeds(errors, _RMSE).mean(axis=1)
    molecules = values.index.get_level_values("molecule")
    low, high = bootstrap_interval(values.to_numpy(), molecules=molecules)
    structures = errors.drop_duplicates("id")
    few = molecules.nunique() < FEWEST_MOLECULES
    single = values_of_molecules(errors, _RMSE) if few else ()
    return {
        "order": errors["order"].iloc[0],
        "n_structures": len(values),
        "n_molecules": molecules.nunique(),
        "n_seeds": errors["seed"].nunique(),
        "n_points": int(structures["n_points"].sum()),
        "median_rmse_kcal_per_mol_e": float(values.median()),
        "median_rmse_low_kcal_per_mol_e": low,
        "median_rmse_high_kcal_per_mol_e": high,
        "median_reference_rms_kcal_per_mol_e": float(
            structures["reference_rms_kcal_per_mol_e"].median()
        ),
        "pooled_rmse_kcal_per_mol_e": pooled_rmse(errors[_RMSE]),
        SINGLE_VALUES: " ".join(f"{value:.6g}" for value in single),
    }


def write_breakdown_table(
    sources: Sequence[Source], reference: Path, headline_grid: str, csv: Path, markdown: Path
) -> None:
    """Write :func:`breakdown_table` as CSV, and its medians side by side as Markdown."""
    names = list(dict.fromkeys(source.name for source in sources))
    table = breakdown_table(breakdown(sources, reference, headline_grid), names)
    write_csv(table, csv)
    parts = [_part(by, of_kind, names) for by, of_kind in table.groupby("by", sort=False)]
    note = (
        "Median RMSE of the MEP in kcal/mol/e over the test structures that have points in a part;"
        " their number in brackets. Distances over all grids, the others on"
        f" {grid_words(headline_grid)}."
    )
    write_markdown(parts, markdown, title="Where the potential is wrong", note=note)


def _part(by: Any, table: pd.DataFrame, names: Sequence[str]) -> Part:
    """Return the table of one kind of parts: a row per representation, a column per part."""
    medians = table.pivot_table(
        index="representation", columns="part", values=f"median_{_RMSE}", sort=False
    ).reindex(list(names))
    of_part = table.groupby("part", sort=False).max(numeric_only=True)
    medians.loc[_NO_MODEL] = of_part["median_reference_rms_kcal_per_mol_e"]
    columns = (
        Column("Representation", lambda row: representation_label(row.Index), "left"),
        *(
            Column(f"{_short(str(part))} ({count:,})", _median(medians[part]))
            for part, count in of_part["n_structures"].items()
        ),
    )
    return Part(_HEADINGS[by], medians, columns)


def _short(part: str) -> str:
    """Return the name of a part as a heading: a bin without its unit, which stands above."""
    return part.removesuffix(" Å").replace(" to ", "–") if part.endswith(" Å") else part


def _median(medians: "pd.Series[float]") -> Callable[[Any], str]:
    return lambda row: decimal_text(medians.loc[row.Index], 2)

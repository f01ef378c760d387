"""Table of the MEP's errors by distance from the surface, without and with penetration."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from mepflow.electrostatics.penetration import Widths
from mepflow.evaluation.distance_errors import ALONE, REFERENCE, distance_errors
from mepflow.evaluation.mep_errors import WITH_PENETRATION
from mepflow.evaluation.sources import Source
from mepflow.evaluation.statistics import median_columns, summarize
from mepflow.naming import representation_label
from mepflow.storage.csv_file import write_csv
from mepflow.tables.writing import Column, Part, decimal_text, write_markdown

_HEADINGS: Final = {ALONE: "Points alone", WITH_PENETRATION: "With penetration"}
_NO_MODEL: Final = "No model (V = 0)"


def distance_table(errors: pd.DataFrame, names: Sequence[str], seed: int = 0) -> pd.DataFrame:
    """Return a row per bin and representation from what :func:`distance_errors` measured.

    ``names`` are the representations in the order of the rows. Medians are over the structures
    that have points in the bin, errors averaged over seeds before, with the 95 % bootstrap interval
    over molecules (``seed`` is that of the bootstrap). Those with penetration are over the
    structures all of whose elements have a width.
    """
    rows = []
    for (order, part), of_part in errors.groupby(["order", "part"]):
        for name in names:
            of_name = of_part[of_part["name"] == name]
            if not len(of_name):
                continue
            structures = of_name.drop_duplicates("id")
            row: dict[str, Any] = {"part": part, "order": order, "representation": name}
            row |= {
                "n_structures": len(structures),
                "n_molecules": structures["molecule"].nunique(),
                "n_seeds": of_name["seed"].nunique(),
                "n_points": int(structures["n_points"].sum()),
            }
            for column in _HEADINGS:
                row |= _medians(of_name.dropna(subset=column), column, seed)
            row[f"median_{REFERENCE}"] = float(structures[REFERENCE].median())
            rows.append(row)
    return pd.DataFrame(rows)


def _medians(errors: pd.DataFrame, column: str, seed: int) -> dict[str, float]:
    names = median_columns(column)
    if errors.empty:
        return dict.fromkeys(names, float("nan"))
    found = summarize(errors, column, seed=seed)
    return dict(zip(names, (found.median, found.median_low, found.median_high), strict=True))


def write_distance_table(
    sources: Sequence[Source], reference: Path, widths: Widths | None, csv: Path, markdown: Path
) -> None:
    """Write :func:`distance_table` as CSV, and its medians side by side as Markdown."""
    names = list(dict.fromkeys(source.name for source in sources))
    table = distance_table(distance_errors(sources, reference, widths), names)
    write_csv(table, csv)
    parts = [
        _part(heading, table, f"median_{column}")
        for column, heading in _HEADINGS.items()
        if table[f"median_{column}"].notna().any()
    ]
    note = (
        "Median RMSE of the MEP in kcal/mol/e over the test structures that have points in a bin of"
        " distances from the van der Waals surface (Å); their number in brackets."
    )
    write_markdown(parts, markdown, title="Errors by distance from the surface", note=note)


def _part(heading: str, table: pd.DataFrame, column: str) -> Part:
    medians = table.pivot_table(
        index="representation", columns="part", values=column, sort=False, dropna=False
    )
    of_part = table.groupby("part", sort=False).max(numeric_only=True)
    medians.loc[_NO_MODEL] = of_part[f"median_{REFERENCE}"]
    columns = (
        Column("Representation", lambda row: representation_label(row.Index), "left"),
        *(
            Column(f"{_short(str(part))} ({count:,})", _median(medians[part]))
            for part, count in of_part["n_structures"].items()
        ),
    )
    return Part(heading, medians, columns)


def _short(part: str) -> str:
    """Return the name of a bin without its unit, which stands above."""
    return part.removesuffix(" Å").replace(" to ", "–")


def _median(medians: "pd.Series[float]") -> Callable[[Any], str]:
    return lambda row: decimal_text(medians.loc[row.Index], 2)

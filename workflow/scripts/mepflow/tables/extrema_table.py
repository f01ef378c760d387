"""Table of the extrema and statistics of the MEP on the innermost shell."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from mepflow.electrostatics.penetration import Widths
from mepflow.evaluation.extrema import QUANTITIES, shell_statistics
from mepflow.evaluation.rank_correlation import mean_correlation
from mepflow.evaluation.sources import Source, structures_by_seeds
from mepflow.evaluation.statistics import summarize
from mepflow.naming import representation_label
from mepflow.storage.csv_file import write_csv
from mepflow.tables.writing import NONE, Column, Part, counted, write_markdown

_ERROR: Final = "absolute_error"


def extrema_table(values: pd.DataFrame, names: Sequence[str], seed: int = 0) -> pd.DataFrame:
    """Return a row per quantity and representation from what :func:`shell_statistics` measured.

    ``names`` are the representations in the order of the rows. The mean absolute error is over the
    structures, errors averaged over seeds before; the rank correlation is that of each seed's
    values, averaged over seeds. Both have the 95 % bootstrap interval over molecules (``seed`` is
    that of the bootstrap). Structures whose quantity does not exist, in the reference or in a
    prediction, are left out.
    """
    rows = []
    for quantity in QUANTITIES:
        of_quantity = values[values["quantity"] == quantity]
        for name in names:
            of_name = of_quantity[of_quantity["name"] == name]
            if len(of_name):
                row = _row(of_name, seed)
                unit = QUANTITIES[quantity].unit
                rows.append({"quantity": quantity, "unit": unit, "representation": name, **row})
    return pd.DataFrame(rows)


def _row(values: pd.DataFrame, seed: int) -> dict[str, Any]:
    lacking = values.loc[values[["reference", "predicted"]].isna().any(axis=1), "id"]
    values = values[~values["id"].isin(lacking)]
    row: dict[str, Any] = {
        "n_structures": values["id"].nunique(),
        "n_molecules": values["molecule"].nunique(),
        "n_seeds": values["seed"].nunique(),
    }
    if values.empty:
        return row
    errors = values.assign(**{_ERROR: (values["predicted"] - values["reference"]).abs()})
    found = summarize(errors, _ERROR, seed=seed)
    predicted = structures_by_seeds(values, "predicted")
    true = values.drop_duplicates("id").set_index("id")["reference"]
    true = true.loc[predicted.index.get_level_values("id")]
    names = list(predicted.index.get_level_values("molecule"))
    correlation, low, high = mean_correlation(true.to_numpy(), predicted.to_numpy(), names, seed)
    return {
        **row,
        "reference_mean": float(true.mean()),
        "reference_deviation": float(true.std(ddof=1)),
        "mae": found.mean,
        "mae_low": found.mean_low,
        "mae_high": found.mean_high,
        "spearman": correlation,
        "spearman_low": low,
        "spearman_high": high,
    }


def write_extrema_table(
    sources: Sequence[Source],
    reference: Path,
    grid: str,
    widths: Widths | None,
    *,
    csv: Path,
    values: Path,
    markdown: Path,
) -> None:
    """Write :func:`extrema_table` as CSV, and both its measures side by side as Markdown.

    What it is made of, the quantities of every structure, goes to the CSV file ``values``.
    """
    measured = shell_statistics(sources, reference, grid, widths)
    names = list(dict.fromkeys(source.name for source in sources))
    table = extrema_table(measured, names)
    write_csv(measured, values)
    write_csv(table, csv)
    structures = counted(int(table["n_structures"].max()), "structure")
    parts = [
        Part("Mean absolute error", _rows(table, "mae"), _columns("mae")),
        Part("Rank correlation", _rows(table, "spearman"), _columns("spearman")),
    ]
    note = (
        "On the innermost shell of the grid, in Bondi radii, with penetration where all elements of"
        " a molecule have a width: mean absolute error and Spearman's rank correlation with the"
        f" reference over {structures}, each with its 95 % bootstrap interval over molecules. The"
        " first row is the mean and standard deviation of the reference itself."
    )
    write_markdown(
        parts, markdown, title="Extrema and statistics of the potential on a surface", note=note
    )


def _rows(table: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return a row of finished cells per representation, with a column per quantity."""
    cells = table.assign(
        cell=[
            _cell(value, low, high)
            for value, low, high in zip(
                *(table[f"{measure}{end}"] for end in ("", "_low", "_high")), strict=True
            )
        ]
    )
    rows = cells.pivot(index="representation", columns="quantity", values="cell")  # noqa: PD010
    rows = rows.reindex(table["representation"].unique()).reset_index()
    rows["representation"] = rows["representation"].map(representation_label)
    if measure != "mae":
        return rows
    sizes = table.drop_duplicates("quantity")
    columns = (sizes[name] for name in ("quantity", "reference_mean", "reference_deviation"))
    first = {name: f"{mean:.1f} ± {sd:.1f}" for name, mean, sd in zip(*columns, strict=True)}
    return pd.concat([pd.DataFrame([{"representation": "Reference", **first}]), rows])


def _cell(value: float, low: float, high: float) -> str:
    if math.isnan(value):
        return NONE
    return f"{value:.2f}" + ("" if math.isnan(low) else f" [{low:.2f}, {high:.2f}]")


def _columns(measure: str) -> list[Column]:
    def column(name: str) -> Column:
        what = QUANTITIES[name]
        unit = f" ({what.unit})" if measure == "mae" else ""
        return Column(f"{what.symbol}{unit}", lambda row: getattr(row, name))

    first = Column("Representation", lambda row: row.representation, "left")
    return [first, *map(column, QUANTITIES)]

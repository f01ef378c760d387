"""A judgement as Markdown: the table of the rows, their extremes, and where they are wrong."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from mepflow.evaluation.breakdown import DISTANCE, ELEMENT
from mepflow.judging.error_parts import BY, KIND, SIZE, medians_of_parts
from mepflow.judging.judgement import COST, FLOORS, Judgement
from mepflow.judging.methods import METHODS
from mepflow.judging.structure_errors import DIPOLE_ERROR, QUADRUPOLE_ERROR
from mepflow.tables.writing import NONE, counted

Row = Mapping[Any, Any]

_HEADINGS: Final = {
    DISTANCE: "By distance from the van der Waals surface, all grids",
    ELEMENT: "By the element whose van der Waals sphere is nearest",
    KIND: "By kind of molecule",
    SIZE: "By number of heavy atoms",
}


def row_label(name: str) -> str:
    """Return how tables and figures call a row: a method by its label, others by their name."""
    return METHODS[name].label if name in METHODS else name


def _number(name: str, digits: int) -> Callable[[Row], str]:
    return lambda row: _shown(row[name], digits)


def _shown(value: float, digits: int) -> str:
    return NONE if np.isnan(value) else f"{value:.{digits}f}"


def _with_interval(start: str, end: str, digits: int) -> Callable[[Row], str]:
    names = [f"{start}{side}{end}" for side in ("", "_low", "_high")]

    def cell(row: Row) -> str:
        value, low, high = (_shown(row[name], digits) for name in names)
        return value if low == NONE else f"{value} [{low}, {high}]"

    return cell


Columns = Mapping[str, Callable[[Row], str]]

_NAME: Final[Columns] = {
    "charges": lambda row: row_label(row["row"]) + (" (floor)" if row["row"] in FLOORS else "")
}
_RMSE: Final = _with_interval("median_rmse", "_kcal_per_mol_e", 2)
_RANK: Final[Columns] = {"rank": lambda row: "" if pd.isna(row["rank"]) else f"{row['rank']:.0f}"}
MAIN_COLUMNS: Final[Columns] = {
    **_NAME,
    **_RANK,
    "median RMSE, kcal/mol/e": _RMSE,
    "largest RMSE": _number("largest_rmse_kcal_per_mol_e", 2),
    "relative RMSE": _number("median_relative_rmse", 3),
    "R²": _number("median_r2", 3),
    "dipole error, D": _number(f"median_{DIPOLE_ERROR}", 3),
    "Θ′ error, e·bohr²": _number(f"median_{QUADRUPOLE_ERROR}", 3),
    "CPU s": lambda row: NONE if np.isnan(row[COST]) else f"{row[COST]:.2g}",
}
EXTREME_COLUMNS: Final[Columns] = {
    **_NAME,
    "error of V_max, kcal/mol/e": _number("mae_v_max_kcal_per_mol_e", 2),
    "error of V_min": _number("mae_v_min_kcal_per_mol_e", 2),
    "ρ of V_max": _with_interval("correlation_v_max", "", 2),
    "ρ of V_min": _with_interval("correlation_v_min", "", 2),
}
GRID_COLUMNS: Final[Columns] = {
    **_NAME,
    **_RANK,
    "median RMSE, kcal/mol/e": _RMSE,
    "error of V_max": _number("mae_v_max_kcal_per_mol_e", 2),
    "error of V_min": _number("mae_v_min_kcal_per_mol_e", 2),
}


def markdown(
    judgements: Mapping[str, Judgement], parts: pd.DataFrame, remarks: Mapping[str, Sequence[str]]
) -> str:
    """Return all tables with captions, and what was remarked of the inputs.

    ``judgements`` are by grid, the first of which the rows are sorted by; ``parts`` are the errors
    of :func:`~mepflow.judging.error_parts.error_parts`.
    """
    grid, first = next(iter(judgements.items()))
    blocks = [_caption(grid, first), _table(first.table, MAIN_COLUMNS)]
    blocks += _left_out(first)
    if len(first.table):
        blocks += [*_extremes(first), *_of_parts(first, parts)]
        for other, judgement in list(judgements.items())[1:]:
            head = f"Grid `{other}`, {counted(judgement.shared, 'structure')}:"
            tables = [_table(judgement.table, GRID_COLUMNS)] if len(judgement.table) else []
            blocks += [head, *tables, *_left_out(judgement)]
    said = [f"- {row_label(name)}: {text}" for name, texts in remarks.items() for text in texts]
    blocks += ["Remarks:", "\n".join(said)] if said else []
    return "\n\n".join(blocks) + "\n"


def _caption(grid: str, judgement: Judgement) -> str:
    return (
        f"Errors of the potential on the grid `{grid}`, over the {judgement.shared} structures "
        "that every row covers: medians, with 95 % bootstrap intervals over molecules. The rank "
        "is one more than the number of rows whose error is smaller beyond doubt (paired 95 % "
        "interval over molecules): equal ranks are not told apart. Floors have none: they are "
        f"fitted to `{grid}`. CPU seconds are those of a molecule, without what the calculation "
        "took whose density or potential partitions and fits need."
    )


def _left_out(judgement: Judgement) -> list[str]:
    return [
        f"{row_label(name)} covers {counted(count, 'structure')} only and is left out."
        for name, count in judgement.apart.items()
    ]


def _extremes(judgement: Judgement) -> Iterator[str]:
    yield (
        "Highest and lowest value, V_max and V_min (on a grid of shells, of the innermost one): "
        "mean absolute errors, and Spearman's rank correlation ρ with the reference over the "
        "structures without a total charge:"
    )
    yield _table(judgement.table, EXTREME_COLUMNS)


def _of_parts(judgement: Judgement, parts: pd.DataFrame) -> Iterator[str]:
    for by in BY:
        medians, counts = medians_of_parts(parts, by)
        pairs = zip(medians.columns, counts, strict=True)
        heads = [f"{part} ({count})" for part, count in pairs]
        columns = dict(_NAME) | {
            head: lambda row, place=place: _shown(row["medians"][place], 2)
            for place, head in enumerate(heads)
        }
        rows = judgement.table[["row"]].copy()
        rows["medians"] = [medians.loc[name].to_list() for name in rows["row"]]
        yield f"{_HEADINGS[by]}: median RMSE, kcal/mol/e (number of molecules):"
        yield _table(rows, columns)


def _table(frame: pd.DataFrame, columns: Columns) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for row in frame.to_dict("records"):
        lines.append("| " + " | ".join(cell(row) for cell in columns.values()) + " |")
    return "\n".join(lines)

"""Table of what the spread of a variant's seeds says about the error of their mean."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import spearmanr

from mepflow.evaluation.calibration import QUANTITIES, Calibration, coverage, read_calibrations
from mepflow.naming import target_words
from mepflow.selection.splits import TEST
from mepflow.storage.csv_file import read_csv, write_csv
from mepflow.tables.writing import NONE, Column, Part, number, write_markdown

FloatArray = npt.NDArray[np.float64]


def uncertainty_table(
    variants: Sequence[str], errors: Sequence[Path], calibrations: Sequence[Path]
) -> pd.DataFrame:
    """Return a row per variant and quantity: the calibration, and how it does on test molecules.

    ``errors`` and ``calibrations`` are the files of
    :func:`mepflow.evaluation.ensemble_errors.calibrate_models`, one of each per variant. Errors and
    spreads are medians over the test structures, in ``unit``; ``rank_correlation`` is Spearman's of
    the two; ``within_expected`` and ``within_bound`` are shares of the structures whose error is no
    larger than expected, or than the bound, empty where these are not known.
    """
    rows = []
    for variant, csv, json_file in zip(variants, errors, calibrations, strict=True):
        frame, known = read_csv(csv), read_calibrations(json_file)
        of_test = frame[frame["split"] == TEST]
        for quantity, unit in QUANTITIES.items():
            found = of_test[of_test["quantity"] == quantity]
            if len(found):
                judged = _judged(found, known[quantity])
                rows.append({"variant": variant, "quantity": quantity, "unit": unit, **judged})
    return pd.DataFrame(rows)


def _judged(found: pd.DataFrame, calibration: Calibration) -> dict[str, Any]:
    errors, spreads = (found[name].to_numpy() for name in ("error", "spread"))
    return {
        "n_validation": calibration.molecules,
        "n_test": len(found),
        "median_error": found["error"].median(),
        "median_spread": found["spread"].median(),
        "rank_correlation": float(spearmanr(spreads, errors).statistic),
        "shared": calibration.shared,
        "factor": calibration.factor,
        "bound": calibration.bound,
        "within_spread": coverage(errors, spreads),
        "within_expected": _share_within(errors, calibration.expected(spreads)),
        "within_bound": _share_within(errors, calibration.bounds(spreads)),
    }


def _share_within(errors: FloatArray, limits: FloatArray) -> float | None:
    return None if np.isnan(limits).any() else coverage(errors, limits)


def write_uncertainty_table(
    variants: Sequence[str],
    errors: Sequence[Path],
    calibrations: Sequence[Path],
    csv: Path,
    markdown: Path,
) -> None:
    """Write :func:`uncertainty_table` as CSV and Markdown, a part per quantity."""
    table = uncertainty_table(variants, errors, calibrations)
    write_csv(table, csv)
    parts = [
        Part(f"{target_words(str(quantity))} ({rows['unit'].iloc[0]})", rows, _COLUMNS)
        for quantity, rows in table.groupby("quantity", sort=False)
    ]
    write_markdown(
        parts,
        markdown,
        title="The error of the mean of several seeds, and what their spread says about it",
        note=_NOTE,
    )


def _share(name: str) -> Any:
    return lambda row: NONE if pd.isna(getattr(row, name)) else f"{100 * getattr(row, name):.0f}"


_NOTE = (
    "Expected error: σ = √(a² + (f s)²) of the spread s, with a and f from the validation "
    "structures; bound: the multiple of σ that holds 95 % of the errors there (split conformal). "
    "Shares are of the test structures."
)
_COLUMNS = (
    Column("Variant", lambda row: row.variant, "left"),
    Column("Validation", lambda row: str(row.n_validation)),
    Column("Test", lambda row: str(row.n_test)),
    Column("Median error", number("median_error", 3)),
    Column("Median spread", number("median_spread", 3)),
    Column("Rank correlation", number("rank_correlation")),
    Column("a", number("shared", 3)),
    Column("f", number("factor")),
    Column("Bound (σ)", number("bound")),
    Column("Within the spread (%)", _share("within_spread")),
    Column("Within σ (%)", _share("within_expected")),
    Column("Within the bound (%)", _share("within_bound")),
)

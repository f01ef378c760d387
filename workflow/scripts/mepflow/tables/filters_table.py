"""Table of the filters: why molecules were rejected."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from mepflow.naming import reason_label
from mepflow.tables.writing import Column, id_text, write_table

IDS_SHOWN: Final = 3
"""Ids that a cell of the Markdown table shows; the CSV file has all."""


def write_filter_table(summary: pd.DataFrame, csv: Path, markdown: Path) -> None:
    """Write what :func:`mepflow.selection.verdicts.summarise` counted: reason, count, ids.

    The Markdown shows the first few ids of each reason only.
    """
    columns = (
        Column("Reason", lambda row: reason_label(row.reason), "left"),
        Column("Rejected (structures)", lambda row: f"{row.count:,}"),
        Column("Ids", lambda row: shortened(row.ids.split()), "left"),
    )
    write_table(summary, columns, csv, markdown, title="Rejected structures")


def shortened(ids: Sequence[str]) -> str:
    """Return the first ids and how many more there are."""
    more = len(ids) - IDS_SHOWN
    shown = ", ".join(map(id_text, ids[:IDS_SHOWN]))
    return f"{shown} and {more:,} more" if more > 0 else shown

"""What ``judge`` writes: tables as CSV and Markdown, and figures."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import pandas as pd

from mepflow.judging.judgement import Judgement
from mepflow.judging.judgement_figures import draw_errors, draw_parts
from mepflow.judging.judgement_text import markdown
from mepflow.storage.csv_file import write_csv
from mepflow.storage.files import atomic_path

TEXT: Final = "judgement.md"


def write_judgement(
    folder: Path,
    judgements: Mapping[str, Judgement],
    parts: pd.DataFrame,
    remarks: Mapping[str, Sequence[str]],
) -> list[Path]:
    """Write all files into ``folder`` and return them; arguments as in :func:`markdown`."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        "errors.csv": _joined({grid: one.errors for grid, one in judgements.items()}),
        "judgement.csv": _joined({grid: one.table for grid, one in judgements.items()}),
        "differences.csv": _joined({grid: one.differences for grid, one in judgements.items()}),
        "parts.csv": parts,
    }
    for name, frame in tables.items():
        write_csv(frame, folder / name)
    with atomic_path(folder / TEXT) as temporary:
        temporary.write_text(markdown(judgements, parts, remarks), encoding="utf-8")
    written = [folder / name for name in (*tables, TEXT)]
    grid, first = next(iter(judgements.items()))
    drawings = {
        "judgement": partial(draw_errors, first, grid),
        "parts": partial(draw_parts, first, parts),
    }
    for name, draw in drawings.items() if len(first.table) else ():
        pictures = [folder / f"{name}.{kind}" for kind in ("png", "pdf")]
        draw(pictures)
        written += pictures
    return written


def _joined(by_grid: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([frame.assign(grid=grid) for grid, frame in by_grid.items()])

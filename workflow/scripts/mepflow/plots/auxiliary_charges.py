"""Figure: predicted against reference atomic charges."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from mepflow.evaluation.auxiliary_errors import reference_charges
from mepflow.evaluation.auxiliary_rows import COMPARED, auxiliary_rows
from mepflow.evaluation.sources import Source
from mepflow.molecules import MoleculeTable
from mepflow.plots.appearance import Rows, appearances
from mepflow.plots.panels import by_name, matched_tables, n_rows, panel_side, square_panels
from mepflow.plots.style import drawing, picture_width

FloatArray = npt.NDArray[np.float64]

_TITLE_HEIGHT: Final = 0.45
_MARGIN_HEIGHT: Final = 0.5
_LIMIT_FACTOR: Final = 1.6
"""Predictions beyond this multiple of the largest reference value are counted, not shown."""


def plot_auxiliary_charges(
    sources: Sequence[Source],
    variants: Rows,
    reference: Path,
    outputs: Sequence[Path],
    style: str = "default",
) -> None:
    """Draw a panel per variant, all of one scale, whose seeds share it.

    ``sources`` are predictions files of models of rows of ``variants``. The reference charges are
    those that a variant learned, or else Mulliken's; a variant without any is left out.
    """
    table = MoleculeTable.load(reference)
    schemes = {name: row.scheme or COMPARED for name, row in auxiliary_rows(variants).items()}
    pairs = {
        name: _charges(files, table, schemes[name], variants[name].get("mep_grids", ()))
        for name, files in by_name(sources).items()
    }
    pairs = {name: pair for name, pair in pairs.items() if len(pair[0])}
    colours = {name: look.colour for name, look in appearances(variants).items()}
    largest = max(float(np.abs(true).max()) for true, _ in pairs.values())
    extreme = max(float(np.abs(predicted).max()) for _, predicted in pairs.values())
    limit = 1.08 * min(max(largest, extreme), _LIMIT_FACTOR * largest)
    height = _MARGIN_HEIGHT + (panel_side(len(pairs)) + _TITLE_HEIGHT) * n_rows(len(pairs))
    with drawing(picture_width(len(pairs)), height, outputs, style) as figure:
        panels = square_panels(figure, len(pairs), limit)
        for axes, (name, (true, predicted)) in zip(panels, pairs.items(), strict=True):
            alpha = float(np.clip(300.0 / len(true), 0.05, 0.7))
            axes.scatter(
                true, predicted, s=4.0, color=colours[name], alpha=alpha, lw=0, rasterized=True
            )
            rmse = np.sqrt(np.mean((predicted - true) ** 2))
            outside = int(np.sum(np.abs(predicted) > limit))
            more = f"\n{outside:,} of {len(true):,} outside" if outside else ""
            axes.set_title(f"{name}, {schemes[name]}\nRMSE {rmse:.3f} e{more}", fontsize=6.0)
        figure.supxlabel("reference charge (e)", fontsize=7.5)
        figure.supylabel("predicted charge (e)", fontsize=7.5)


def _charges(
    sources: Sequence[Source], reference: MoleculeTable, scheme: str, grids: Sequence[str]
) -> tuple[FloatArray, FloatArray]:
    """Return the reference and the predicted charges of all atoms of all files, where known."""
    pairs = [(np.empty(0), np.empty(0))]
    for predicted, matched in matched_tables(sources, reference):
        true = reference_charges(matched, scheme, grids)
        if true is not None:
            known = np.isfinite(true)
            pairs.append((true[known], predicted.properties["atomic_charges"][known]))
    first, second = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    return first, second

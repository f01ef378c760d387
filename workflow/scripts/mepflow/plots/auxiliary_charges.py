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
from mepflow.plots.panels import by_name, matched_tables, n_rows, panel_side
from mepflow.plots.parity_panels import draw_parity
from mepflow.plots.style import drawing, picture_width

FloatArray = npt.NDArray[np.float64]

_TITLE_HEIGHT: Final = 0.45
_MARGIN_HEIGHT: Final = 0.5


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
    titled = {name: f"{name}, {schemes[name]}" for name in pairs}
    height = _MARGIN_HEIGHT + (panel_side(len(pairs)) + _TITLE_HEIGHT) * n_rows(len(pairs))
    with drawing(picture_width(len(pairs)), height, outputs, style) as figure:
        draw_parity(
            figure,
            {titled[name]: pair for name, pair in pairs.items()},
            {titled[name]: colours[name] for name in pairs},
            ".3f",
            " e",
        )
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

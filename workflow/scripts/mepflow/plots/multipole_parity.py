"""Figure: predicted against reference components of the molecular dipole and quadrupole."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from mepflow.evaluation.multipole_errors import multipole_components
from mepflow.evaluation.predictions_file import molecule_names
from mepflow.evaluation.sources import Source
from mepflow.molecules import MoleculeTable
from mepflow.plots.appearance import Rows, appearances
from mepflow.plots.marks import size_text
from mepflow.plots.panels import (
    by_name,
    matched_tables,
    n_rows,
    panel_side,
    separator,
)
from mepflow.plots.parity_panels import Pair, draw_parity
from mepflow.plots.style import drawing, picture_width

_LABELS: Final = (("dipole μ", "e·bohr", "μ"), ("quadrupole Θ′", "e·bohr²", "Θ′"))
_TITLE_HEIGHT: Final = 0.5
_MARGIN_HEIGHT: Final = 0.5
_DIGITS: Final = {"e·bohr": ".4f", "e·bohr²": ".3f"}
"""Digits of an RMSE, as in the table of multipoles."""
_PAD: Final = 0.07
"""Room above and below panels and labels, in inch."""


def plot_multipole_parity(
    sources: Sequence[Source],
    variants: Rows,
    reference: Path,
    outputs: Sequence[Path],
    style: str = "default",
) -> None:
    """Draw a panel per variant for the dipole, and one for the quadrupole.

    ``sources`` are predictions files of models of rows of ``variants``; the seeds of a variant
    share its panel. Every panel of a multipole has the same scale.
    """
    table = MoleculeTable.load(reference)
    colours = {name: look.colour for name, look in appearances(variants).items()}
    pairs = {name: _components(files, table) for name, files in by_name(sources).items()}
    size = _size(table, sources)
    row_height = panel_side(len(pairs)) + _TITLE_HEIGHT
    height = 2 * (_MARGIN_HEIGHT + row_height * n_rows(len(pairs)))
    with drawing(picture_width(len(pairs)), height, outputs, style) as figure:
        figure.set_layout_engine("constrained", h_pad=_PAD)
        parts: Any = figure.subfigures(2, 1, hspace=0.0)
        for moment, part in enumerate(parts):
            quantity, unit, symbol = _LABELS[moment]
            of_moment = {name: pair[moment] for name, pair in pairs.items()}
            draw_parity(part, of_moment, colours, _DIGITS[unit])
            part.supxlabel(f"reference {symbol} ({unit})", fontsize=7.5)
            part.supylabel(f"predicted {symbol} ({unit})", fontsize=7.5)
            count = len(next(iter(pairs.values()))[moment][0])
            title = f"{count:,} components of the {quantity}" + separator(len(pairs), ":") + size
            part.suptitle(title, fontweight="bold")


def _size(reference: MoleculeTable, sources: Sequence[Source]) -> str:
    """Return how many molecules, and structures, a panel shows."""
    _, matched = next(matched_tables(sources, reference))
    return size_text(len(matched), len(set(molecule_names(matched))))


def _components(sources: Sequence[Source], reference: MoleculeTable) -> tuple[Pair, Pair]:
    """Return (reference, predicted) dipole and quadrupole components of all files, flat."""
    both = [
        (multipole_components(matched), multipole_components(predicted))
        for predicted, matched in matched_tables(sources, reference)
    ]

    def flat(moment: int) -> Pair:
        return (
            np.concatenate([true[moment].ravel() for true, _ in both]),
            np.concatenate([predicted[moment].ravel() for _, predicted in both]),
        )

    return flat(0), flat(1)

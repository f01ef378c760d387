"""Figure: predicted against reference components of the molecular dipole and quadrupole."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.figure import SubFigure

from mepflow.evaluation.multipole_errors import multipole_components
from mepflow.evaluation.sources import Source
from mepflow.molecules import MoleculeTable
from mepflow.plots.appearance import Rows, appearances
from mepflow.plots.panels import by_name, matched_tables, n_rows, square_panels, width
from mepflow.plots.style import drawing, note

FloatArray = npt.NDArray[np.float64]
Pair = tuple[FloatArray, FloatArray]

_LABELS: Final = (("dipole μ", "e·bohr", "μ"), ("quadrupole Θ′", "e·bohr²", "Θ′"))
_ROW_HEIGHT: Final = 1.55
_MARGIN_HEIGHT: Final = 0.55
_LIMIT_FACTOR: Final = 1.6
"""Predictions beyond this multiple of the largest reference value are counted, not shown."""


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
    height = 2 * (_MARGIN_HEIGHT + _ROW_HEIGHT * n_rows(len(pairs)))
    with drawing(width(len(pairs)), height, outputs, style) as figure:
        parts: Any = figure.subfigures(2, 1, hspace=0.03)
        for moment, part in enumerate(parts):
            quantity, unit, symbol = _LABELS[moment]
            _draw(part, {name: pair[moment] for name, pair in pairs.items()}, colours, unit)
            part.supxlabel(f"reference {symbol} ({unit})", fontsize=7.5)
            part.supylabel(f"predicted {symbol} ({unit})", fontsize=7.5)
            part.suptitle(f"components of the {quantity}")


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


def _draw(part: SubFigure, pairs: dict[str, Pair], colours: dict[str, str], unit: str) -> None:
    largest = max(float(np.abs(true).max()) for true, _ in pairs.values())
    extreme = max(float(np.abs(predicted).max()) for _, predicted in pairs.values())
    limit = 1.08 * min(max(largest, extreme), _LIMIT_FACTOR * largest)
    panels = square_panels(part, len(pairs), limit)
    for axes, (name, (true, predicted)) in zip(panels, pairs.items(), strict=True):
        # Many points cover each other: they get fainter, down to a bound.
        alpha = float(np.clip(300.0 / len(true), 0.05, 0.7))
        axes.scatter(
            true,
            predicted,
            s=4.0,
            color=colours[name],
            alpha=alpha,
            lw=0,
            rasterized=True,
        )
        rmse = np.sqrt(np.mean((predicted - true) ** 2))
        axes.set_title(f"{name}\nRMSE {rmse:.3g} {unit}", fontsize=6.5)
        outside = int(np.sum(np.abs(predicted) > limit))
        if outside:
            note(axes, f"{outside:,} outside", top=False)

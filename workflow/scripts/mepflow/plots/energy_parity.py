"""Figure: predicted against reference energies and components of forces."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from mepflow.errors import InputError
from mepflow.evaluation.energy_errors import reference_of
from mepflow.evaluation.sources import Source
from mepflow.models.energy_units import composition, fitted_units
from mepflow.molecules import FloatArray, MoleculeTable
from mepflow.plots.appearance import Rows, appearances
from mepflow.plots.panels import by_name, matched_tables, n_rows, panel_side
from mepflow.plots.parity_panels import Pair, draw_parity
from mepflow.plots.style import drawing, picture_width
from mepflow.units import BOHR_IN_ANGSTROM, HARTREE_IN_EV

_TITLE_HEIGHT: Final = 0.5
_MARGIN_HEIGHT: Final = 0.5
_PAD: Final = 0.07
"""Room above and below panels and labels, in inch."""


def plot_energy_parity(
    sources: Sequence[Source],
    variants: Rows,
    reference: Path,
    outputs: Sequence[Path],
    style: str = "default",
) -> None:
    """Draw a panel per variant with energies for these, and one for the forces.

    ``sources`` are predictions files; variants without energies are left out, the seeds of one
    share its panel. Energies, reference and predicted, are less a sum over elements that is fitted
    to the reference energies of the whole dataset. Raises :class:`InputError` where no variant has
    energies, or the reference has none.
    """
    table = MoleculeTable.load(reference)
    colours = {name: look.colour for name, look in appearances(variants).items()}
    pairs = {}
    for name, files in by_name(sources).items():
        found = _pairs(files, table)
        if found is not None:
            pairs[name] = found
    if not pairs:
        raise InputError("no variant has energies: leave energy_parity out of figures.drawn.")
    rows = [("energies", "E", "eV", ".3f"), ("components of forces", "F", "eV/Å", ".3f")]
    rows = [row for k, row in enumerate(rows) if all(len(pair[k][0]) for pair in pairs.values())]
    row_height = panel_side(len(pairs)) + _TITLE_HEIGHT
    height = len(rows) * (_MARGIN_HEIGHT + row_height * n_rows(len(pairs)))
    with drawing(picture_width(len(pairs)), height, outputs, style) as figure:
        figure.set_layout_engine("constrained", h_pad=_PAD)
        parts: Any = figure.subfigures(len(rows), 1, hspace=0.0, squeeze=False).ravel()
        for k, (part, (words, symbol, unit, digits)) in enumerate(zip(parts, rows, strict=True)):
            drawn = {name: pair[k] for name, pair in pairs.items()}
            draw_parity(part, drawn, colours, digits)
            part.supxlabel(f"reference {symbol} ({unit})", fontsize=7.5)
            part.supylabel(f"predicted {symbol} ({unit})", fontsize=7.5)
            count = len(next(iter(drawn.values()))[0])
            part.suptitle(f"{count:,} {words}", fontweight="bold")


def _pairs(sources: Sequence[Source], reference: MoleculeTable) -> tuple[Pair, Pair] | None:
    """Return (reference, predicted) energies in eV and forces in eV/Å, flat, or None without."""
    all_energies = reference_of(reference, "energy")
    if all_energies is None:
        raise InputError("the reference holds no energies: leave energy_parity out.")
    elements = np.unique(reference.atomic_numbers).tolist()
    units = fitted_units(all_energies, None, composition(reference, elements), elements)
    energies: list[Pair] = []
    forces: list[Pair] = []
    for predicted, matched in matched_tables(sources, reference):
        if "energy" not in predicted.properties:
            return None
        base = composition(matched, elements) @ units.of_elements(elements)
        true = reference_of(matched, "energy")
        energies.append(_known(true, predicted.properties["energy"], base, HARTREE_IN_EV))
        slopes = reference_of(matched, "forces")
        factor = HARTREE_IN_EV / BOHR_IN_ANGSTROM
        forces.append(_known(slopes, predicted.properties["forces"], 0.0, factor))
    return _joined(energies), _joined(forces)


def _known(true: FloatArray | None, found: FloatArray, base: Any, factor: float) -> Pair:
    """Return the numbers whose reference is known, less a base and in another unit."""
    if true is None:
        return np.empty(0), np.empty(0)
    known = np.isfinite(true)
    return factor * (true - base)[known], factor * (found - base)[known]


def _joined(pairs: Sequence[Pair]) -> Pair:
    true, found = (np.concatenate([pair[side] for pair in pairs]) for side in (0, 1))
    return true, found

"""Figure: an infrared spectrum over harmonic sticks and bands of an experiment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from mepflow.plots.style import BLACK, BLUE, GREY, PAGE_WIDTH, VERMILION, drawing
from mepflow.storage.csv_file import read_csv

FloatArray = npt.NDArray[np.float64]

_HEIGHT: Final = 3.2
_COLOURS: Final = (VERMILION, BLACK)
_APART: Final = 8.0
"""Sticks of two sources at one wavenumber stand side by side, this far apart in cm⁻¹."""


@dataclass(frozen=True)
class Sticks:
    """Harmonic modes: what they are of, wavenumbers (M,) in cm⁻¹, intensities (M,) in km/mol."""

    label: str
    wavenumbers: FloatArray
    intensities: FloatArray


def plot_infrared(
    spectrum: Path,
    modes: Path,
    experiment: Mapping[str, Any],
    outputs: Sequence[Path],
    style: str = "default",
) -> None:
    """Draw files of :mod:`mepflow.dynamics.dynamics_analysis`.

    ``experiment`` has the ``source`` and the ``wavenumbers`` in cm⁻¹ of measured bands.
    """
    matched = read_csv(modes)
    sticks = [
        Sticks(
            f"harmonic, {label}",
            matched[f"{prefix}wavenumber_per_cm"].to_numpy(),
            matched[f"{prefix}intensity_km_per_mol"].to_numpy(),
        )
        for label, prefix in (("model", ""), ("reference", "reference_"))
    ]
    plot_spectrum(read_csv(spectrum), sticks, outputs, experiment, style)


def plot_spectrum(
    spectrum: pd.DataFrame,
    sticks: Sequence[Sticks],
    outputs: Sequence[Path],
    experiment: Mapping[str, Any] | None = None,
    style: str = "default",
) -> None:
    """Draw a spectrum with its standard error (left axis), and sticks of modes (right axis).

    ``spectrum`` has the columns of :func:`mepflow.dynamics.infrared_spectrum.spectrum_table`.
    Measured bands are marked above.
    """
    nu, mean, error = spectrum.to_numpy().T
    with drawing(PAGE_WIDTH, _HEIGHT, outputs, style) as figure:
        axes = figure.add_subplot()
        if np.isfinite(error).all():
            low, high = mean - error, mean + error
            axes.fill_between(nu, low, high, color=BLUE, alpha=0.25, linewidth=0.0)
        axes.plot(nu, mean, color=BLUE, label="dynamics")
        handles, labels = axes.get_legend_handles_labels()
        if sticks:
            more = _draw_sticks(axes, sticks)
            handles, labels = handles + more[0], labels + more[1]
        if experiment is not None:
            marks = np.asarray(experiment["wavenumbers"], dtype=float)
            above = axes.get_xaxis_transform()
            (drawn,) = axes.plot(
                marks, np.full(len(marks), 1.03), "v", color=GREY, clip_on=False, transform=above
            )
            handles, labels = [*handles, drawn], [*labels, f"measured ({experiment['source']})"]
        axes.set_xlim(0.0, float(nu.max()))
        axes.set_ylim(min(0.0, float(mean.min())))
        axes.set_xlabel("wavenumber (cm⁻¹)")
        axes.set_ylabel("absorption (km/mol per cm⁻¹)")
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))


def _draw_sticks(axes: Axes, sticks: Sequence[Sticks]) -> tuple[list[Any], list[Any]]:
    right = axes.twinx()
    for number, (one, colour) in enumerate(zip(sticks, _COLOURS, strict=False)):
        places = one.wavenumbers + _APART * (number - 0.5 * (len(sticks) - 1))
        right.vlines(places, 0.0, one.intensities, color=colour, linewidth=1.0, label=one.label)
    right.set_ylim(0.0)
    right.spines["right"].set_visible(True)
    right.set_ylabel("harmonic intensity (km/mol)")
    handles, labels = right.get_legend_handles_labels()
    return list(handles), list(labels)

"""Figure: components of the dipole, density models against labels, on test molecules."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from mepflow.plots.style import BLACK, BLUE, COLUMN_WIDTH, GREEN, VERMILION, drawing
from mepflow.storage.csv_file import read_csv

_HEIGHT: Final = 3.2
_LOOKS: Final = {"x": (BLUE, "o"), "y": (VERMILION, "s"), "z": (GREEN, "^")}


def plot_density_dipoles(dipoles: Path, outputs: Sequence[Path], style: str = "default") -> None:
    """Draw the file of :func:`mepflow.densities.density_evaluation.evaluate_densities`."""
    frame = read_csv(dipoles)
    difference = frame["model_debye"] - frame["label_debye"]
    squares = (difference**2).groupby([frame["id"], frame["seed"]]).sum()
    with drawing(COLUMN_WIDTH, _HEIGHT, outputs, style) as figure:
        axes = figure.add_subplot()
        for axis, (colour, marker) in _LOOKS.items():
            part = frame[frame["axis"] == axis]
            axes.scatter(
                part["label_debye"],
                part["model_debye"],
                s=9.0,
                c=colour,
                marker=marker,
                linewidths=0.0,
                label=f"μ{axis}",
            )
        axes.axline((0.0, 0.0), slope=1.0, color=BLACK, linewidth=0.5)
        axes.set_aspect("equal")
        axes.set_xlabel("dipole of the label (D)")
        axes.set_ylabel("dipole of the model (D)")
        mean = float(np.sqrt(squares).mean())
        axes.legend(
            loc="upper left",
            handlelength=1.0,
            title=f"{frame['id'].nunique()} geometries, mean |Δμ| {mean:.3f} D",
        )

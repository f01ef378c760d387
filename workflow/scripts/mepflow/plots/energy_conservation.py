"""Figure: the total energy of the replicas of a dynamics over time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from matplotlib import colormaps

from mepflow.dynamics.conservation import mean_drift
from mepflow.plots.style import COLUMN_WIDTH, COUNT_MAP, drawing
from mepflow.storage.csv_file import read_csv

_HEIGHT: Final = 2.4


def plot_energy_conservation(
    energies: Path, conservation: Path, outputs: Sequence[Path], style: str = "default"
) -> None:
    """Draw files of :mod:`mepflow.dynamics.dynamics_analysis`: a line per replica."""
    series, rows = read_csv(energies), read_csv(conservation)
    drift, error = mean_drift(rows)
    with drawing(COLUMN_WIDTH, _HEIGHT, outputs, style) as figure:
        axes = figure.add_subplot()
        replicas = list(series.groupby("replica"))
        for number, (_, part) in enumerate(replicas):
            colour = colormaps[COUNT_MAP](number / max(1, len(replicas) - 1))
            axes.plot(part["time_ps"], part["energy_kcal_per_mol"], color=colour, linewidth=0.5)
        axes.set_xlabel("time (ps)")
        axes.set_ylabel("total energy less its mean\n(kcal/mol)")
        axes.set_title(f"mean drift {1e3 * drift:.2f} ± {1e3 * error:.2f} cal/mol/ps")

"""Figure: errors of energies, forces and dipoles over the size of the training set."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mepflow.plots.appearance import Rows, appearances
from mepflow.plots.log_axes import log_axis
from mepflow.plots.marks import size_text
from mepflow.plots.size_curves import draw_curves
from mepflow.plots.style import PAGE_WIDTH, drawing
from mepflow.storage.csv_file import read_csv

_PANELS: Final = {
    "energy_mae_mev": "mean absolute error of E (meV)",
    "forces_mae_ev_per_angstrom": "mean absolute error of F (eV/Å)",
    "dipole_rmse_debye": "mean RMSE of μ (D)",
}
_HEIGHT: Final = 2.7


def plot_energy_sizes(
    table: Path, variants: Rows, outputs: Sequence[Path], style: str = "default"
) -> None:
    """Draw the errors of the variants that were trained on several sizes, a panel each.

    ``table`` is the CSV file of :func:`mepflow.tables.energies_table.write_energies_table` of these
    ``variants``. Bars are the 95 % intervals over molecules, or over structures of one.
    """
    frame = read_csv(table)
    sizes = frame.groupby("representation")["n_training"].transform("nunique")
    frame = frame[sizes > 1].sort_values("n_training", kind="stable")
    looks = appearances(variants)
    with drawing(PAGE_WIDTH, _HEIGHT, outputs, style) as figure:
        panels = figure.subplots(1, len(_PANELS), squeeze=False)[0]
        for axes, (column, label) in zip(panels, _PANELS.items(), strict=True):
            known = frame[frame[column].notna()]
            draw_curves(axes, known, (column, f"{column}_low", f"{column}_high"), looks)
            log_axis(axes.yaxis)
            axes.set_ylabel(label)
            axes.set_xlabel("training structures")
        handles, labels = panels[-1].get_legend_handles_labels()
        size = size_text(*frame[["n_structures", "n_molecules"]].max().astype(int))
        figure.legend(
            handles, labels, loc="outside upper center", ncols=min(4, len(labels)), title=size
        )

"""Figure: error of the dipole's length over the size of the training set, a line per variant."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mepflow.plots.appearance import Rows, appearances
from mepflow.plots.log_axes import log_axis
from mepflow.plots.marks import size_text
from mepflow.plots.size_curves import draw_curves
from mepflow.plots.style import COLUMN_WIDTH, PAGE_WIDTH, drawing
from mepflow.storage.csv_file import read_csv

_HEIGHT: Final = 3.0
_COLUMNS: Final = (
    "dipole_norm_mae_debye",
    "dipole_norm_mae_debye_low",
    "dipole_norm_mae_debye_high",
)


def plot_auxiliary_sizes(
    table: Path, variants: Rows, outputs: Sequence[Path], style: str = "default"
) -> None:
    """Draw the mean absolute error of |μ|, a panel for each kind of target.

    ``table`` is the CSV file of :func:`mepflow.tables.auxiliary_table.write_auxiliary_table` of
    these ``variants``. Variants that were trained on one size alone are left out. Bars are the 95 %
    intervals over molecules and seeds.
    """
    frame = read_csv(table)
    trained = frame[frame["n_training"] > 0]
    sizes = trained.groupby("representation")["n_training"].transform("nunique")
    trained = trained[sizes > 1]
    looks = appearances(variants)
    panels_of = list(trained.groupby("learned", sort=False))
    width = COLUMN_WIDTH if len(panels_of) == 1 else PAGE_WIDTH
    with drawing(width, _HEIGHT, outputs, style) as figure:
        panels = figure.subplots(1, len(panels_of), sharey=True, squeeze=False)[0]
        for axes, (learned, of_panel) in zip(panels, panels_of, strict=True):
            draw_curves(axes, of_panel, _COLUMNS, looks)
            log_axis(axes.yaxis)
            axes.set_title(f"learned {learned}")
            axes.set_xlabel("training structures")
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
        panels[0].set_ylabel("mean absolute error of |μ| (D)")
        size = size_text(*trained[["n_structures", "n_molecules"]].max().astype(int))
        figure.suptitle(size, fontsize=7.0)

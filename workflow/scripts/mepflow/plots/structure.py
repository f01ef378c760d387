"""Structures in figures: bonds and element symbols where the atoms are projected to."""

from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from mepflow.elements import symbol
from mepflow.geometry.bonds import bonds
from mepflow.molecules import Molecule
from mepflow.plots.style import BLACK

FloatArray = npt.NDArray[np.float64]

_LONGEST_TITLE: Final = 24
"""Characters above a structure: more would reach into the next panel."""


def draw_atoms(
    axes: Axes,
    atomic_numbers: npt.NDArray[np.uint8],
    projected: FloatArray,
    size: float,
    hydrogens: bool = True,
) -> None:
    """Draw bonds and symbols of atoms at ``projected`` (n, 3): right, up and height in Å.

    ``size`` is that of the symbols in points; those of hydrogen atoms can be left out.
    """
    for i, j in bonds(atomic_numbers, projected):
        axes.plot(*projected[[i, j], :2].T, color=BLACK, linewidth=0.8, zorder=3)
    # The upper atoms last, so that they cover the ones below.
    for k in np.argsort(projected[:, 2], kind="stable"):
        if atomic_numbers[k] == 1 and not hydrogens:
            continue
        axes.text(
            float(projected[k, 0]),
            float(projected[k, 1]),
            symbol(int(atomic_numbers[k])),
            fontsize=size,
            horizontalalignment="center",
            verticalalignment="center",
            zorder=4,
            bbox={"boxstyle": "circle,pad=0.08", "facecolor": "white", "edgecolor": "none"},
        )


def draw_structure(axes: Axes, molecule: Molecule, projected: FloatArray) -> None:
    """Draw a molecule alone, with its SMILES (its key, where that is too long) above it."""
    draw_atoms(axes, molecule.atomic_numbers, projected, size=7.0)
    axes.set_aspect("equal")
    axes.margins(0.12)
    axes.set_axis_off()
    smiles = molecule.smiles
    title = smiles if 0 < len(smiles) <= _LONGEST_TITLE else molecule.id
    if len(title) > _LONGEST_TITLE:
        title = f"{title[: _LONGEST_TITLE - 1]}…"
    # A dollar sign in a SMILES is a bond, not mathematics.
    axes.set_title(title, parse_math=False)

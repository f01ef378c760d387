"""Structures in figures: bonds and element symbols where the atoms are projected to."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from scipy.sparse.csgraph import connected_components

from mepflow.elements import symbol
from mepflow.molecules import Molecule
from mepflow.plots.bond_orders import AROMATIC, bond_orders
from mepflow.plots.style import BLACK, HALO
from mepflow.selection.common_names import SUBSCRIPTS, common_name, formula

FloatArray = npt.NDArray[np.float64]

_LONGEST_TITLE: Final = 24
"""Characters of a line above a structure: more would reach into the next panel."""
_HYDROGEN: Final = 1
_HYDROGEN_SIZE: Final = 0.8
"""Size of the symbols of hydrogen, as a share of the others'."""
_COVERED_ANGSTROM: Final = 0.5
"""Atoms that are projected nearer to each other than this share one label."""
_LINES_APART_ANGSTROM: Final = 0.14
_LINE: Final = 0.8
_ON_PICTURE: Final = 0.45
"""Opacity of bonds on a picture."""
_DISC: Final = {"boxstyle": "circle,pad=0.06", "facecolor": "white", "edgecolor": "none"}
"""What hides the bonds behind a symbol."""
_DASHED: Final = (0.0, (2.0, 1.5))


def draw_atoms(
    axes: Axes,
    molecule: Molecule,
    projected: FloatArray,
    size: float,
    *,
    hydrogens: bool = True,
    on_picture: bool = False,
) -> None:
    """Draw bonds and symbols of atoms at ``projected`` (n, 3): right, up and height in Å.

    ``size`` is that of the symbols in points; those of hydrogen atoms can be left out. Atoms that
    cover each other share a label, such as CH₂. ``on_picture`` leaves what is behind to be seen.
    """
    middle = projected[:, :2].mean(axis=0)
    opacity = _ON_PICTURE if on_picture else 1.0
    groups = _covering(projected)
    for pair, order in bond_orders(molecule).items():
        if not any(set(pair) <= set(group.tolist()) for group in groups):
            _draw_bond(axes, projected[list(pair), :2], order, middle, opacity)
    # The upper atoms last, so that they cover the ones below.
    groups.sort(key=lambda group: float(projected[group, 2].max()))
    for group in groups:
        numbers = molecule.atomic_numbers[group]
        shown = numbers if hydrogens else numbers[numbers != _HYDROGEN]
        if not len(shown):
            continue
        heavy = bool((shown != _HYDROGEN).any())
        x, y = _place(projected[group, :2], numbers)
        axes.text(
            x,
            y,
            _label(shown.tolist()),
            fontsize=size if heavy else _HYDROGEN_SIZE * size,
            horizontalalignment="center",
            verticalalignment="center",
            zorder=4,
            path_effects=HALO if on_picture else None,
            bbox=None if on_picture else _DISC,
        )


def draw_structure(axes: Axes, molecule: Molecule, projected: FloatArray) -> None:
    """Draw a molecule alone, with its name, formula and SMILES above it."""
    draw_atoms(axes, molecule, projected, size=7.0)
    axes.set_aspect("equal")
    axes.margins(0.12)
    axes.set_axis_off()
    # A dollar sign in a SMILES is a bond, not mathematics.
    axes.set_title(structure_title(molecule), parse_math=False, fontsize=7.0)


def structure_title(molecule: Molecule) -> str:
    """Return the lines above a structure: name or id, formula, and SMILES where it is short."""
    smiles = molecule.smiles if len(molecule.smiles) <= _LONGEST_TITLE else ""
    name = common_name(molecule.smiles) or molecule.id
    lines = textwrap.wrap(name, _LONGEST_TITLE, max_lines=2, placeholder="…")
    return "\n".join([*lines, formula(molecule), *filter(None, [smiles])])


def _covering(projected: FloatArray) -> list[npt.NDArray[np.intp]]:
    """Return the atoms in groups that cover each other in the picture."""
    distances = np.linalg.norm(projected[:, None, :2] - projected[None, :, :2], axis=-1)
    count, group = connected_components(distances < _COVERED_ANGSTROM, directed=False)
    return [np.flatnonzero(group == k) for k in range(count)]


def _place(places: FloatArray, numbers: npt.NDArray[np.uint8]) -> tuple[float, float]:
    """Return the place (2,) of a label: that of the heaviest atoms."""
    x, y = places[numbers == numbers.max()].mean(axis=0).tolist()
    return x, y


def _label(numbers: Sequence[int]) -> str:
    """Return the symbols of atoms, hydrogen last, each with how many there are of it."""
    order = sorted(set(numbers), key=lambda number: (number == _HYDROGEN, -number))
    counts = {number: numbers.count(number) for number in order}
    return "".join(
        symbol(number) + (str(count).translate(SUBSCRIPTS) if count > 1 else "")
        for number, count in counts.items()
    )


def _draw_bond(
    axes: Axes, ends: FloatArray, order: float, middle: FloatArray, opacity: float
) -> None:
    """Draw a line for each pair of electrons; the half one of aromatic bonds is dashed, inside."""
    along = ends[1] - ends[0]
    length = float(np.linalg.norm(along))
    across = np.array([-along[1], along[0]]) / length if length else np.zeros(2)
    if across @ (middle - ends.mean(axis=0)) < 0.0:
        across = -across
    for place, style in _lines(order):
        x, y = (ends + place * _LINES_APART_ANGSTROM * across).T
        axes.plot(x, y, color=BLACK, alpha=opacity, linewidth=_LINE, linestyle=style, zorder=3)


def _lines(order: float) -> Iterator[tuple[float, str | tuple[float, tuple[float, ...]]]]:
    """Yield the place across the bond, in steps of the distance between lines, and the style."""
    if order == AROMATIC:
        yield from ((0.0, "solid"), (1.0, _DASHED))
        return
    count = max(1, round(order))
    yield from ((k - 0.5 * (count - 1), "solid") for k in range(count))

"""A prediction in a notebook: the MEP on the molecule's surface, by py3Dmol where there is one."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mepflow.errors import InputError
from mepflow.prediction.cube import CubeGrid, write_cube
from mepflow.prediction.surface_tables import MappedSurface
from mepflow.units import BOHR_IN_ANGSTROM, HARTREE_PER_E_IN_KCAL_PER_MOL_E

if TYPE_CHECKING:
    from mepflow.prediction.result import Prediction

_SPACING_ANGSTROM: Final = 0.4
_MARGIN_ANGSTROM: Final = 3.0
_WIDTH, _HEIGHT = 600, 450
_STYLE: Final = {"stick": {"radius": 0.12}, "sphere": {"scale": 0.2}}


def notebook_view(prediction: "Prediction") -> Any:
    """Return a view of py3Dmol: red is negative, blue positive, alike far from 0.

    With penetration where the models learned it. Raises :class:`InputError` without py3Dmol.
    """
    try:
        import py3Dmol
    except ImportError:
        raise InputError("This needs py3Dmol: pip install py3Dmol.") from None
    values = MappedSurface.of(prediction, prediction.widths).values
    largest = float(np.abs(values).max()) / HARTREE_PER_E_IN_KCAL_PER_MOL_E
    view = py3Dmol.view(width=_WIDTH, height=_HEIGHT)
    view.addModel(_xyz(prediction), "xyz")
    view.setStyle(_STYLE)
    view.addSurface(
        py3Dmol.VDW,
        {
            "opacity": 0.85,
            "voldata": _cube(prediction),
            "volformat": "cube",
            "volscheme": {"gradient": "rwb", "min": -largest, "max": largest},
        },
    )
    view.zoomTo()
    return view


def _xyz(prediction: "Prediction") -> str:
    from ase.data import chemical_symbols

    molecule = prediction.molecule
    rows = zip(molecule.atomic_numbers, molecule.positions * BOHR_IN_ANGSTROM, strict=True)
    lines = [f"{chemical_symbols[z]} {x:.6f} {y:.6f} {w:.6f}" for z, (x, y, w) in rows]
    return "\n".join([str(len(molecule)), "", *lines, ""])


def _cube(prediction: "Prediction") -> str:
    grid = CubeGrid.around(prediction.molecule, _SPACING_ANGSTROM, _MARGIN_ANGSTROM)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mep.cube")
        write_cube(path, prediction, grid, prediction.widths)
        return path.read_text(encoding="ascii")

"""What the viewer draws: molecules, their surfaces, and potentials there, as plain data.

A scene, one molecule of one dataset, is::

    {"dataset", "id", "smiles", "label", "total_charge",
     "atoms": {"numbers", "symbols", "positions", "core_radii", "shells"},
     "bonds": [[i, j], ...],
     "surface": {"vertices", "triangles", "reference", "nearest_atoms", "extrema"},
     "models": [{"name", "seed", "mep", "rmse", "largest", "grid_rmse", "extrema",
                 "charges", "dipoles", "quadrupoles"}, ...],
     "limits": {"potential", "difference"},
     "view": {"eye": [3], "up": [3]}}

Positions and core radii of atoms are lists in bohr; atomic multipoles are lists in atomic units or
null. ``shells`` are the ``electrons`` and ``widths`` (bohr) of the valence shells whose penetration
the models' potentials hold, or null where an element has no width. The surface's vertices (in bohr)
and the potentials at them (kcal/mol/e) are float32, triangles and the atoms nearest to the vertices
uint32, all packed in base 64. ``extrema`` are the vertices of the largest local maxima and minima.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from mepflow.electrostatics.atomic_terms import predicted_terms
from mepflow.electrostatics.penetration import Widths, known_shells
from mepflow.elements import symbol
from mepflow.evaluation.mep_errors import predicted_potential
from mepflow.evaluation.predictions_file import predictions_of
from mepflow.evaluation.sources import Source
from mepflow.geometry.bonds import bonds
from mepflow.geometry.radii import CORE_SCALE, bondi_radii
from mepflow.geometry.surface_extrema import extrema
from mepflow.geometry.surfaces import Surface, surface_values
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.page.encoding import packed
from mepflow.plots.style import symmetric_limit
from mepflow.selection.common_names import common_name, formula
from mepflow.units import BOHR_IN_ANGSTROM, HARTREE_PER_E_IN_KCAL_PER_MOL_E

FloatArray = npt.NDArray[np.float64]

_LONGEST_LABEL: Final = 40
"""Characters of a SMILES that a label has room for."""
_EXTREMA: Final = 4
"""Maxima, and minima, that are marked."""
_TILT: Final = 0.35
"""How far the first view leans over: a flat molecule seen straight from above has no depth."""


def scenes(
    dataset: str,
    molecule_ids: Iterable[str],
    grid: str,
    reference: Path,
    sources: Sequence[Source],
    headline_grid: str,
    widths: Widths | None = None,
) -> list[dict[str, Any]]:
    """Return the scenes of some molecules on their surfaces ``grid``.

    ``sources`` are predictions files, one per model; ``grid_rmse`` is a model's error on
    ``headline_grid``, null where a molecule has no point of it; ``widths`` of valence shells are in
    bohr by element. Raises :class:`InputError` where a file lacks a molecule, or describes it
    otherwise than the reference.
    """
    table = MoleculeTable.load(reference)
    return [
        _scene(dataset, molecule_id, grid, table, sources, headline_grid, widths)
        for molecule_id in molecule_ids
    ]


def _scene(
    dataset: str,
    molecule_id: str,
    grid: str,
    table: MoleculeTable,
    sources: Sequence[Source],
    headline_grid: str,
    widths: Widths | None,
) -> dict[str, Any]:
    surface, values = surface_values(table, molecule_id, grid)
    row_of = table.ids.index(molecule_id)
    molecule = table.molecule(row_of)
    points = table.grids[headline_grid].of(row_of) if headline_grid in table.grids else None
    reference = values * HARTREE_PER_E_IN_KCAL_PER_MOL_E
    areas = surface.vertex_areas()
    models, differences = [], []
    for source in sources:
        row = predictions_of(molecule_id, source.path, table)
        mep = (
            predicted_potential(row, 0, surface.vertices, widths) * HARTREE_PER_E_IN_KCAL_PER_MOL_E
        )
        differences.append(mep - reference)
        models.append(
            _model(source, row, mep, differences[-1], areas)
            | {"grid_rmse": _rmse(row, points, widths), "extrema": _extrema(surface, mep)}
        )
    return {
        "dataset": dataset,
        **_molecule(molecule, widths),
        "surface": _surface(surface, molecule, reference),
        "models": models,
        "limits": {
            "potential": symmetric_limit([reference]),
            "difference": symmetric_limit(differences),
        },
        "view": _view(molecule),
    }


def _rmse(
    row: MoleculeTable, points: tuple[FloatArray, FloatArray] | None, widths: Widths | None
) -> float | None:
    """Return the RMSE (kcal/mol/e) of a model at points with their potential, None without any."""
    if points is None or not len(points[1]):
        return None
    difference = predicted_potential(row, 0, points[0], widths) - points[1]
    return float(np.sqrt(np.mean(difference**2)) * HARTREE_PER_E_IN_KCAL_PER_MOL_E)


def _view(molecule: Molecule) -> dict[str, list[float]]:
    """Return unit vectors of a first view: onto the side where the molecule is broadest."""
    centred = molecule.positions - molecule.positions.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=True)
    # The sign of an axis is not defined: the largest component is made positive.
    signs = [np.sign(axis[np.argmax(np.abs(axis))]) for axis in axes]
    eye = _TILT * axes[1] * signs[1] + axes[2] * signs[2]
    return {"eye": (eye / np.linalg.norm(eye)).tolist(), "up": (axes[1] * signs[1]).tolist()}


def _molecule(molecule: Molecule, widths: Widths | None) -> dict[str, Any]:
    shells = known_shells(molecule.atomic_numbers, widths)
    angstrom = molecule.positions * BOHR_IN_ANGSTROM
    return {
        "id": molecule.id,
        "smiles": molecule.smiles,
        "label": molecule_label(molecule),
        "total_charge": molecule.total_charge,
        "atoms": {
            "numbers": molecule.atomic_numbers.tolist(),
            "symbols": [symbol(int(number)) for number in molecule.atomic_numbers],
            "positions": molecule.positions.tolist(),
            "core_radii": (CORE_SCALE * bondi_radii(molecule.atomic_numbers)).tolist(),
            "shells": None
            if shells is None
            else {name: values.tolist() for name, values in shells._asdict().items()},
        },
        "bonds": [list(pair) for pair in bonds(molecule.atomic_numbers, angstrom)],
    }


def molecule_label(molecule: Molecule) -> str:
    """Return what a molecule is called: a common name or short SMILES, its formula, its id."""
    smiles = molecule.smiles
    short = smiles if len(smiles) <= _LONGEST_LABEL and smiles != molecule.id else ""
    name = common_name(smiles) or short
    return ", ".join(filter(None, [name, formula(molecule)])) + f" ({molecule.id})"


def _extrema(surface: Surface, values: FloatArray) -> list[int]:
    found = extrema(surface, values)
    sides = ([one for one in found if one.is_maximum == side] for side in (True, False))
    return [one.vertex for side in sides for one in side[:_EXTREMA]]


def _surface(surface: Surface, molecule: Molecule, reference: FloatArray) -> dict[str, Any]:
    distances = np.linalg.norm(surface.vertices[:, None] - molecule.positions[None], axis=-1)
    return {
        "vertices": packed(surface.vertices, "f4"),
        "triangles": packed(surface.triangles, "u4"),
        "nearest_atoms": packed(np.argmin(distances, axis=1), "u4"),
        "reference": packed(reference, "f4"),
        "extrema": _extrema(surface, reference),
    }


def _model(
    source: Source, row: MoleculeTable, mep: FloatArray, difference: FloatArray, areas: FloatArray
) -> dict[str, Any]:
    charges, dipoles, quadrupoles = predicted_terms(row, 0)
    return {
        "name": source.name,
        "seed": source.seed,
        "mep": packed(mep, "f4"),
        "rmse": float(np.sqrt(np.average(difference**2, weights=areas))),
        "largest": float(np.abs(difference).max()),
        "charges": charges.tolist(),
        "dipoles": None if dipoles is None else dipoles.tolist(),
        "quadrupoles": None if quadrupoles is None else quadrupoles.tolist(),
    }

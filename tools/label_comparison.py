"""What another grid, exact integrals or a tighter convergence change in the labels.

Run by ``python tools/make_labels.py compare``.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from tabulate import tabulate

from mepflow.archives.label_file import LabelSet
from mepflow.molecules import Molecule
from mepflow.multipoles import centre_of_nuclear_charge
from mepflow.qm.levels import LevelOfTheory
from mepflow.qm.properties import molecular_properties, potential_on_points
from mepflow.qm.scf import run_scf
from mepflow.units import HARTREE_PER_E_IN_KCAL_PER_MOL_E

FloatArray = npt.NDArray[np.float64]


def compared_levels(rows: Mapping[str, Mapping[str, Any]], name: str) -> dict[str, LevelOfTheory]:
    """Return the levels that the row ``name`` is compared with, by what they change."""
    changes: dict[str, dict[str, Any]] = {
        "energy converged to 1e-9 hartree": {"convergence_hartree": 1e-9},
        "and integration grid 4": {"convergence_hartree": 1e-9, "grid_level": 4},
        "exact integrals": {"convergence_hartree": 1e-9, "density_fitting": None},
    }
    return {what: LevelOfTheory.from_row(what, {**rows[name], **c}) for what, c in changes.items()}


def comparison(labels: LabelSet, levels: Mapping[str, LevelOfTheory], count: int) -> str:
    """Return, level by level, the RMS and largest changes of the ``count`` smallest molecules."""
    smallest = np.argsort(labels.columns["functions"], kind="stable")[:count]
    base = LevelOfTheory(**labels.levels[0])
    points = {int(index): labels.potential("mk", int(index))[0] for index in smallest}
    reference = {i: _values(labels.molecule(i), base, points[i]) for i in points}
    rows = []
    for what, level in levels.items():
        found = {i: _values(labels.molecule(i), level, points[i]) for i in points}
        for name in reference[next(iter(points))]:
            parts = [np.ravel(found[i][name] - reference[i][name]) for i in points]
            flat = np.concatenate(parts)
            rows.append((what, name, np.sqrt(np.mean(flat**2)), np.abs(flat).max()))
    header = ("changed", "quantity", "RMS", "largest")
    names = ", ".join(labels.texts["smiles"][i] for i in points)
    return f"{names}\n\n{tabulate(rows, header, tablefmt='github', floatfmt='.1e')}"


def _values(molecule: Molecule, level: LevelOfTheory, points: FloatArray) -> dict[str, FloatArray]:
    """Return what is compared of a molecule at a level, with units in the names."""
    mean_field = run_scf(molecule, level).mean_field
    origin = centre_of_nuclear_charge(molecule.atomic_numbers, molecule.positions)
    values = molecular_properties(mean_field, origin)
    potential = potential_on_points(mean_field, points) * HARTREE_PER_E_IN_KCAL_PER_MOL_E
    return {
        "energy / hartree": values["energy"],
        "dipole / e bohr": values["dipole"],
        "Theta' / e bohr^2": values["quadrupole"],
        "MEP on MK / kcal/mol/e": potential,
    }

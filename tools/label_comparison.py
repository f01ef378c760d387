"""What another grid, exact integrals or a tighter convergence change in stored labels.

Run by ``python tools/make_labels.py compare``.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from tabulate import tabulate
from tqdm.auto import tqdm

from mepflow.archives.label_set import LabelSet
from mepflow.multipoles import centre_of_nuclear_charge, components
from mepflow.qm.levels import LevelOfTheory
from mepflow.qm.properties import molecular_properties, potential_on_points
from mepflow.qm.scf import run_scf
from mepflow.units import HARTREE_PER_E_IN_KCAL_PER_MOL_E

FloatArray = npt.NDArray[np.float64]

_TIGHT = {"convergence_hartree": 1e-9}
_CHANGES: Mapping[str, Mapping[str, Any]] = {
    "energy to 1e-9 hartree": _TIGHT,
    "energy to 1e-9, integration grid 4": {**_TIGHT, "grid_level": 4},
    "energy to 1e-9, exact integrals": {**_TIGHT, "density_fitting": None},
}


def comparison(labels: LabelSet, count: int) -> Iterator[str]:
    """Yield the names of the ``count`` smallest molecules, and for each setting what it changes."""
    order = np.argsort(labels.columns["functions"], kind="stable")
    smallest = [int(index) for index in order[:count]]
    yield ", ".join(labels.texts["smiles"][index] for index in smallest)
    for what, changes in _CHANGES.items():
        level = LevelOfTheory(**{**labels.levels[0], **changes})
        changed = [_changes(labels, index, level) for index in tqdm(smallest, desc=what)]
        rows = []
        for name in changed[0]:
            flat = np.concatenate([np.ravel(each[name]) for each in changed])
            rows.append((name, np.sqrt(np.mean(flat**2)), np.abs(flat).max()))
        header = (what, "RMS change", "largest")
        yield tabulate(rows, header, tablefmt="github", floatfmt=".1e")


def _changes(labels: LabelSet, index: int, level: LevelOfTheory) -> dict[str, FloatArray]:
    """Return what a level gives, less the stored labels; the names have the units."""
    molecule = labels.molecule(index)
    points, stored = labels.potential("mk", index)
    mean_field = run_scf(molecule, level).mean_field
    origin = centre_of_nuclear_charge(molecule.atomic_numbers, molecule.positions)
    values = molecular_properties(mean_field, origin)
    potential = potential_on_points(mean_field, points) - stored
    return {
        "energy / hartree": values["energy"] - labels.of("energy", index),
        "dipole / e bohr": values["dipole"] - labels.of("dipole", index),
        "Theta' / e bohr^2": components(values["quadrupole"]) - labels.of("quadrupole", index),
        "MEP on MK / kcal/mol/e": potential * HARTREE_PER_E_IN_KCAL_PER_MOL_E,
    }

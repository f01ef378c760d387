"""Errors of predicted energies, forces and charges, per structure."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from mepflow.evaluation.predictions_file import molecule_names
from mepflow.models.targets import TARGETS
from mepflow.molecules import MoleculeTable

FloatArray = npt.NDArray[np.float64]
_SCHEMES: Final = ("mbis", "mulliken")
"""Charges that predicted ones are compared with, the preferred scheme first."""


def reference_of(table: MoleculeTable, target: str, scheme: str | None = None) -> FloatArray | None:
    """Return the labels of a target in a reference, in its unit, or None where there is none.

    Forces are minus the gradient. ``scheme`` names charges.
    """
    for name in TARGETS[target].label_fields(scheme):
        values = table.properties.get(name)
        if values is not None and np.isfinite(values).any():
            return -values if target == "forces" else values
    return None


def energy_errors(predicted: MoleculeTable, reference: MoleculeTable) -> pd.DataFrame:
    """Return the errors of matched tables: a row per structure, nan where there is no label.

    ``energy_hartree`` is predicted less reference, ``forces_mae`` and ``forces_rmse`` are over a
    structure's components, in hartree/bohr, ``charges_rmse_e`` over its atoms, against the
    archive's MBIS charges or, without, Mulliken charges.
    """
    rows = range(len(predicted))
    columns: dict[str, Any] = {"id": predicted.ids, "molecule": molecule_names(reference)}
    columns["energy_hartree"] = _difference(predicted, reference, "energy", "energy")
    forces = _difference(predicted, reference, "forces", "forces")
    parts = [forces[predicted.atoms(row)] for row in rows]
    columns["forces_mae"] = [float(np.abs(part).mean()) for part in parts]
    columns["forces_rmse"] = [float(np.sqrt(np.square(part).mean())) for part in parts]
    columns["charges_rmse_e"] = np.nan
    for scheme in _SCHEMES:
        charges = _difference(predicted, reference, "charges", "atomic_charges", scheme)
        if np.isfinite(charges).any():
            parts = [charges[predicted.atoms(row)] for row in rows]
            columns["charges_rmse_e"] = [float(np.sqrt(np.square(part).mean())) for part in parts]
            break
    return pd.DataFrame(columns)


def _difference(
    predicted: MoleculeTable,
    reference: MoleculeTable,
    target: str,
    field: str,
    scheme: str | None = None,
) -> FloatArray:
    true = reference_of(reference, target, scheme)
    found: Mapping[str, FloatArray] = predicted.properties
    per_atom = TARGETS[target].per == "atom"
    if true is None or field not in found:
        return np.full(len(predicted.positions) if per_atom else len(predicted), np.nan)
    return found[field] - true

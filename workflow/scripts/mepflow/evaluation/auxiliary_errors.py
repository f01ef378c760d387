"""Errors of dipole and charges per structure, and whether the dipole points the right way.

A model that learned |μ| alone may have all charges reversed: its dipoles then have the right size
and point the wrong way. The potential of such a model means nothing, so the share of right
directions stands beside it.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from mepflow.errors import InputError
from mepflow.evaluation.predictions_file import (
    load_predictions,
    matched_reference,
    molecule_names,
)
from mepflow.evaluation.sources import Source
from mepflow.models.targets import CHARGES_LIKE, FITTED
from mepflow.molecules import MoleculeTable
from mepflow.training.fitted_labels import with_fitted_charges
from mepflow.units import E_BOHR_IN_DEBYE

FloatArray = npt.NDArray[np.float64]

POLAR_DEBYE: Final = 0.1
"""A structure with a smaller reference dipole has no direction that could be right."""


def reference_charges(table: MoleculeTable, scheme: str, grids: Sequence[str]) -> FloatArray | None:
    """Return the charges (N,) in e of a scheme of :data:`CHARGES_LIKE`, None where there are none.

    ``grids`` are those that fitted charges are fitted on. An atom may have nan.
    """
    if scheme == FITTED:
        return with_fitted_charges(table, grids).properties["atomic_charges"]
    for field in CHARGES_LIKE[scheme]:
        values = table.properties.get(field)
        if values is not None and not np.isnan(values).all():
            return values
    return None


def auxiliary_errors(
    sources: Sequence[Source],
    reference: MoleculeTable,
    scheme: str,
    grids: Sequence[str] = (),
) -> pd.DataFrame:
    """Return a row for each structure of each file of predictions of one representation.

    ``reference`` holds the test molecules. Columns: ``id``, ``molecule``, ``seed``;
    ``dipole_norm_error_debye``, the size of the error of |μ|; ``dipole_rmse_e_bohr`` over the
    components; ``points_right``, 1 where μ·μ_ref > 0 and else 0, nan where the reference is
    smaller than :data:`POLAR_DEBYE`; ``charges_rmse_e`` against the charges of
    :func:`reference_charges`, nan where there are none. Raises :class:`InputError` for a bad file.
    """
    frames = []
    for source in sources:
        predicted = load_predictions(source.path)
        if "dipole" not in predicted.properties:
            raise InputError(f"{source.path} holds no dipoles: make it again.")
        matched = matched_reference(predicted, reference, source.path)
        dipole, true = (table.properties["dipole"] for table in (predicted, matched))
        norm, true_norm = (np.linalg.norm(of, axis=1) for of in (dipole, true))
        is_right = (np.sum(dipole * true, axis=1) > 0.0).astype(float)
        columns = {
            "id": predicted.ids,
            "molecule": molecule_names(matched),
            "seed": -1 if source.seed is None else source.seed,
            "dipole_norm_error_debye": np.abs(norm - true_norm) * E_BOHR_IN_DEBYE,
            "dipole_rmse_e_bohr": np.sqrt(np.mean((dipole - true) ** 2, axis=1)),
            "points_right": np.where(true_norm * E_BOHR_IN_DEBYE < POLAR_DEBYE, np.nan, is_right),
            "charges_rmse_e": _charges_rmse(predicted, reference_charges(matched, scheme, grids)),
        }
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)


def _charges_rmse(predicted: MoleculeTable, charges: FloatArray | None) -> FloatArray:
    if charges is None:
        return np.full(len(predicted), np.nan)
    squares = (predicted.properties["atomic_charges"] - charges) ** 2
    starts = predicted.atom_offsets
    return np.asarray(np.sqrt(np.add.reduceat(squares, starts[:-1]) / np.diff(starts)))

"""Errors of the mean of models that differ in their seed, beside the spread of these models.

Of a molecule's potential: the error is the RMSE over the grid's points of the mean potential, the
spread the root of the mean over the points of the models' variance. Of its dipole: the length of
the mean dipole's error, and the root of the variances' sum over the components.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from mepflow.electrostatics.penetration import Widths
from mepflow.evaluation.calibration import DIPOLE, MEP, QUANTITIES, Calibration
from mepflow.evaluation.mep_errors import predicted_potential
from mepflow.evaluation.predictions_file import molecule_names
from mepflow.evaluation.sources import Source
from mepflow.models.ensemble_spread import mean, rms_spread, vector_spread
from mepflow.models.model_file import load_model
from mepflow.models.predict import predict_with_all
from mepflow.molecules import MoleculeTable
from mepflow.selection.splits import TEST, VALIDATION, rows_in_split
from mepflow.storage.csv_file import write_csv
from mepflow.storage.files import atomic_path
from mepflow.units import E_BOHR_IN_DEBYE, HARTREE_PER_E_IN_KCAL_PER_MOL_E

FloatArray = npt.NDArray[np.float64]

COLUMNS: Final = ("quantity", "split", "id", "molecule", "error", "spread")


def calibrate_models(
    models: Sequence[Source],
    reference: Path,
    splits: Path,
    grid: str,
    widths: Mapping[str, Widths],
    errors: Sequence[Path],
    calibrations: Sequence[Path],
    device: str = "auto",
) -> None:
    """Write the errors and the calibration of each variant, in the order in which models name them.

    ``widths`` are those that each variant learned with. A calibration is a JSON file with a
    :class:`~mepflow.evaluation.calibration.Calibration` per quantity, of the validation molecules.
    """
    table = MoleculeTable.load(reference)
    files: dict[str, list[Path]] = {}
    for model in models:
        files.setdefault(model.name, []).append(model.path)
    for name, csv, json_file in zip(files, errors, calibrations, strict=True):
        frame = ensemble_errors(files[name], table, splits, grid, widths[name], device)
        write_csv(frame, csv)
        write_calibrations(frame, json_file)


def write_calibrations(frame: pd.DataFrame, path: Path) -> None:
    """Write what :func:`~mepflow.evaluation.calibration.read_calibrations` reads.

    ``frame`` is that of :func:`ensemble_errors`.
    """
    of_validation = frame[frame["split"] == VALIDATION]
    found = {}
    for quantity in QUANTITIES:
        rows = of_validation[of_validation["quantity"] == quantity]
        numbers = (rows[name].to_numpy(dtype=float) for name in ("error", "spread"))
        found[quantity] = Calibration.of(*numbers).to_dict()
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(found, indent=1) + "\n")


def ensemble_errors(
    models: Sequence[Path],
    reference: MoleculeTable,
    splits: Path,
    grid: str,
    widths: Widths,
    device: str = "auto",
) -> pd.DataFrame:
    """Return a row per quantity and validation or test molecule, with :data:`COLUMNS`.

    ``models`` differ in their seed. Molecules without a point on ``grid`` have no row of the
    potential. ``widths`` in bohr are those that the models learned with, if any. Raises
    :class:`~mepflow.errors.InputError` for a bad file.
    """
    loaded = [load_model(path, device)[0] for path in models]
    rows: list[tuple[Any, ...]] = []
    for split in (VALIDATION, TEST):
        table = reference.select(rows_in_split(reference.ids, splits, split))
        predicted = predict_with_all(loaded, table)
        names = molecule_names(table)
        for index, key in enumerate(table.ids):
            for quantity, error, spread in _of_molecule(predicted, table, index, grid, widths):
                rows.append((quantity, split, key, names[index], error, spread))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _of_molecule(
    predicted: Sequence[MoleculeTable],
    table: MoleculeTable,
    index: int,
    grid: str,
    widths: Widths,
) -> Iterator[tuple[str, float, float]]:
    points, values = table.grids[grid].of(index)
    if len(points):
        found = np.stack([predicted_potential(one, index, points, widths) for one in predicted])
        error, spread = error_and_spread(found, values)
        unit = HARTREE_PER_E_IN_KCAL_PER_MOL_E
        yield MEP, unit * error, unit * spread
    dipoles = np.stack([one.properties["dipole"][index] for one in predicted])
    error = float(np.linalg.norm(mean(dipoles) - table.properties["dipole"][index]))
    yield DIPOLE, E_BOHR_IN_DEBYE * error, E_BOHR_IN_DEBYE * float(vector_spread(dipoles))


def error_and_spread(found: FloatArray, reference: FloatArray) -> tuple[float, float]:
    """Return the RMS error of the mean of ``found`` (K, p), and the RMS of its spread, K ≥ 2."""
    error = np.sqrt(np.mean(np.square(mean(found) - reference)))
    return float(error), float(rms_spread(found))

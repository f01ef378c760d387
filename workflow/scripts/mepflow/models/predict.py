"""Predictions of a trained model."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mepflow.fields import FIELDS
from mepflow.models.device_data import DeviceDataset
from mepflow.models.model_file import load_model
from mepflow.models.multipole_model import MultipoleModel
from mepflow.molecules import MoleculeTable
from mepflow.storage.csv_file import read_rows

logger = logging.getLogger(__name__)


def predict(
    model_path: Path,
    molecules: MoleculeTable,
    output_path: Path,
    device: str = "auto",
    *,
    source: Path,
    known: Path | None = None,
) -> None:
    """Predict ``molecules`` and write the predictions table.

    It holds the geometries and ``atomic_charges``, ``dipole``, ``quadrupole`` and, if the model has
    them, ``atomic_dipoles`` and ``atomic_quadrupoles``, in atomic units; its metadata are the
    variant's name and the seed.
    ``source`` is the file of the molecules in messages. ``known`` is for molecules of another data
    set than the model's: the CSV file of the ids that
    :func:`mepflow.evaluation.seen_molecules.find_known` found. Those are left out, and all that are
    not of :func:`own_kind`; there may be none left.

    Raises :class:`~mepflow.errors.InputError` for a bad file or, unless such molecules are left
    out, an element the model does not know.
    """
    model, info = load_model(model_path, device)
    table = replace(molecules, grids={}, properties={}, texts={})
    if known is not None:
        table = table.select(_unseen(table, known, info.variant.name))
        table = table.select(own_kind(table, info.elements))
    metadata = {"name": info.variant.name, "seed": info.provenance["seed"]}
    predictions = replace(predict_table(model, table, source=source), metadata=metadata)
    predictions.save(output_path)
    logger.info("%s: predicted %d molecules", info.variant.name, len(predictions))


def _unseen(table: MoleculeTable, known: Path, model: str) -> list[int]:
    """Return the rows of molecules that are not among the ids of a CSV file."""
    ids = set(read_rows(known)["id"])
    rows = [row for row, key in enumerate(table.ids) if key not in ids]
    logger.info("%s: %d of %d molecules are new to the model", model, len(rows), len(table))
    return rows


def own_kind(table: MoleculeTable, elements: Collection[int]) -> list[int]:
    """Return the rows of neutral molecules made of ``elements`` alone; logs what is left out.

    Ions are left out for every model, so that all are compared on molecules of the same kind.
    """
    known = np.isin(table.atomic_numbers, list(elements))
    foreign = {row for row in range(len(table)) if not known[table.atoms(row)].all()}
    charged = set(np.flatnonzero(table.total_charge).tolist()) - foreign
    rows = [row for row in range(len(table)) if row not in foreign | charged]
    logger.info(
        "%d of %d molecules are of the model's kind: %d hold an element it has never seen, "
        "%d others are charged%s",
        len(rows),
        len(table),
        len(foreign),
        len(charged),
        "" if rows else "; nothing is left to predict",
    )
    return rows


def predict_table(
    model: MultipoleModel, table: MoleculeTable, *, source: Path | str = "the table"
) -> MoleculeTable:
    """Return ``table`` with the model's atomic terms and multipoles as properties.

    ``source`` names the table in an error about an element the model does not know.
    """
    (predicted,) = predict_with_all([model], table, source=source)
    return predicted


def predict_with_all(
    models: Sequence[MultipoleModel],
    table: MoleculeTable,
    *,
    source: Path | str = "the table",
    sums: torch.dtype | None = None,
) -> list[MoleculeTable]:
    """Return what :func:`predict_table` returns for each model.

    Models with the same elements, cut-off, device and precision share the pairs of atoms. What is
    summed over a molecule, behind the network, is in the network's precision or in ``sums``.
    """
    if not len(table):
        names = ("atomic_charges", "dipole", "quadrupole")
        nothing = {name: np.empty((0, *FIELDS[name].shape)) for name in names}
        return [replace(table, properties=nothing) for _ in models]
    alike: dict[Any, list[int]] = {}
    for number, model in enumerate(models):
        weights = next(model.parameters())
        geometry = (tuple(model.settings.elements), model.settings.cutoff_angstrom)
        alike.setdefault((geometry, weights.device, weights.dtype), []).append(number)
    predicted: dict[int, MoleculeTable] = {}
    for (geometry, device, dtype), numbers in alike.items():
        dataset = DeviceDataset.from_table(
            table, *geometry, device=device, dtype=dtype, sums=sums, source=source
        )
        found = _properties([models[number] for number in numbers], dataset)
        for number, properties in zip(numbers, found, strict=True):
            predicted[number] = replace(table, properties=properties)
    return [predicted[number] for number in range(len(models))]


def _properties(
    models: Sequence[MultipoleModel], dataset: DeviceDataset
) -> list[dict[str, npt.NDArray[np.float64]]]:
    parts: list[list[dict[str, Tensor]]] = []
    with torch.no_grad():
        for molecules in dataset.chunks():
            batch = dataset.batch(molecules)
            parts.append([model.properties(batch) for model in models])
    return [
        {name: _joined([part[name] for part in of_chunks]) for name in of_chunks[0]}
        for of_chunks in zip(*parts, strict=True)
    ]


def _joined(parts: list[Tensor]) -> npt.NDArray[np.float64]:
    return torch.cat(parts).double().cpu().numpy()

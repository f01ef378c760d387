"""Train one variant with one seed: from files to files, resumable at any moment."""

import logging
import threading
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import torch

from mepflow.models.device import torch_device
from mepflow.models.device_data import DeviceDataset, elements_of, load_labelled
from mepflow.models.domain import TrainingDomain
from mepflow.models.model_file import save_model
from mepflow.models.multipole_model import MultipoleModel
from mepflow.models.variants import Variant
from mepflow.molecules import MoleculeTable
from mepflow.nn.pinet2.pinet2_network import PiNet2Settings
from mepflow.selection.splits import TRAIN, VALIDATION, rows_in_split
from mepflow.training import checkpoint as checkpoints
from mepflow.training.log import LogRow, write_log
from mepflow.training.trainer import Trainer, TrainingData
from mepflow.training.training_settings import TrainingSettings

logger = logging.getLogger(__name__)

_SPLITS: Final = (TRAIN, VALIDATION)
_first_weights = threading.Lock()
"""Held while weights are drawn: PyTorch's generator is one for all threads."""


def train(
    reference: Path,
    splits: Path,
    variant: Variant,
    network: Mapping[str, Any],
    training: Mapping[str, Any],
    seed: int,
    state_folder: Path,
    model_path: Path,
    log_path: Path,
    *,
    threads: int = 1,
    code: str = "",
    provenance: Mapping[str, Any] | None = None,
) -> None:
    """Train ``variant`` and write its best model and its log.

    ``reference`` is a molecule table with the labels, ``splits`` the CSV of ids and splits;
    ``network`` and ``training`` are rows of the configuration. The network knows the elements of
    the training molecules. At every validation the whole state goes into ``state_folder``, from
    which the same call continues after any interruption; on the CPU the result is then the same to
    the last bit. A state of other settings, molecules or ``code``, a digest of the program, is
    refused. ``threads`` are PyTorch's, ``provenance`` goes into the model file.

    Raises :class:`~mepflow.errors.ConfigError`, :class:`~mepflow.errors.InputError` or
    :class:`~mepflow.errors.StateError` for bad settings, files or state, and
    :class:`~mepflow.errors.MepflowError` where the loss is no longer a finite number.
    """
    settings = TrainingSettings.from_config(training)
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision("high" if settings.precision == "tf32" else "highest")
    device = torch_device(settings.device)
    table = replace(load_labelled(reference), grids={})
    tables = {split: table.select(rows_in_split(table.ids, splits, split)) for split in _SPLITS}
    network_settings = PiNet2Settings.from_dict(
        {**network, "elements": elements_of(tables[TRAIN]), "outputs": variant.outputs}
    )
    with _first_weights:
        torch.manual_seed(seed)
        model = MultipoleModel(network_settings, variant).to(_dtype(settings))
    data = _on_device(tables, model, device, reference)
    trainer = Trainer(model.to(device), data, settings, seed)
    fingerprint = _fingerprint(model, settings, seed, code, tables)
    state = checkpoints.load(state_folder, fingerprint)
    if state is not None:
        trainer.restore(state)
        logger.info("%s, seed %d: continuing after step %d", variant.name, seed, state.step)
    _run(trainer, fingerprint, state_folder, log_path)
    origin = {**(provenance or {}), "seed": seed, **_origin(trainer, tables)}
    save_model(model_path, model, trainer.best_model, origin)
    write_log(log_path, trainer.rows)
    checkpoints.save(trainer.checkpoint(fingerprint, delivered=True), state_folder)


def _origin(trainer: Trainer, tables: Mapping[str, MoleculeTable]) -> dict[str, Any]:
    """Return which step's weights are kept, and what molecules they were learned from."""
    return {
        "step": trainer.best_step,
        "validation_loss": trainer.best_loss,
        "train_molecules": len(tables[TRAIN]),
        "validation_molecules": len(tables[VALIDATION]),
        "domain": TrainingDomain.from_table(tables[TRAIN]).to_dict(),
    }


def _dtype(settings: TrainingSettings) -> torch.dtype:
    return torch.float64 if settings.precision == "float64" else torch.float32


def _on_device(
    tables: Mapping[str, MoleculeTable],
    model: MultipoleModel,
    device: torch.device,
    reference: Path,
) -> TrainingData:
    train, validation = (
        DeviceDataset.from_table(
            tables[split],
            model.settings.elements,
            model.settings.cutoff_angstrom,
            device=device,
            dtype=next(model.parameters()).dtype,
            source=reference,
        )
        for split in _SPLITS
    )
    return TrainingData(train, validation, tables[TRAIN].ids)


def _fingerprint(
    model: MultipoleModel,
    settings: TrainingSettings,
    seed: int,
    code: str,
    tables: Mapping[str, MoleculeTable],
) -> str:
    variant = {"name": model.variant.name, **model.variant.row()}
    # Where it runs is no part of what is trained: a state may move to another device.
    training = {key: value for key, value in asdict(settings).items() if key != "device"}
    return checkpoints.fingerprint(
        {
            "variant": variant,
            "network": model.settings.to_dict(),
            "training": training,
            "seed": seed,
            "code": code,
        },
        *tables.values(),
    )


def _run(trainer: Trainer, fingerprint: str, state_folder: Path, log_path: Path) -> None:
    """Train to the end, with a checkpoint and a new log after every validation."""
    while not trainer.finished:
        row = trainer.advance()
        checkpoints.save(trainer.checkpoint(fingerprint), state_folder)
        write_log(log_path, trainer.rows)
        _report(trainer, row)


def _report(trainer: Trainer, row: LogRow) -> None:
    logger.info(
        "%s, seed %d: step %d/%d, epoch %.1f: loss %.4g, validation loss %.4g%s, "
        "dipole RMSE %.4f e bohr, quadrupole RMSE %.3f e bohr^2, %.0f s",
        trainer.model.variant.name,
        trainer.seed,
        row.step,
        trainer.settings.steps,
        row.epoch,
        row.train_loss,
        row.validation_loss,
        " (best)" if row.step == trainer.best_step else "",
        row.validation_dipole_rmse_e_bohr,
        row.validation_quadrupole_rmse_e_bohr2,
        row.wall_time_s,
    )

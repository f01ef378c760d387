"""Train one variant with one seed: from files to files, resumable at any moment."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import torch

from mepflow.electrostatics.penetration import Widths
from mepflow.models.device import torch_device
from mepflow.models.device_data import elements_of
from mepflow.models.domain import TrainingDomain
from mepflow.models.model_file import PENETRATION, save_model
from mepflow.models.multipole_model import MultipoleModel
from mepflow.models.targets import FITTED, TARGETS, TASKS
from mepflow.models.variants import Variant
from mepflow.molecules import MoleculeTable
from mepflow.nn.networks import network_row
from mepflow.selection.splits import TRAIN, VALIDATION, rows_in_split
from mepflow.training import checkpoint as checkpoints
from mepflow.training.first_weights import first_model, weights_digest
from mepflow.training.fitted_labels import with_fitted_charges
from mepflow.training.labels import label_fields, require_labels
from mepflow.training.log import LogRow, write_log
from mepflow.training.penetration_labels import without_penetration
from mepflow.training.trainer import Trainer
from mepflow.training.training_settings import TrainingSettings

logger = logging.getLogger(__name__)

_SPLITS: Final = (TRAIN, VALIDATION)


def train(
    *,
    reference: Path,
    splits: Path,
    variant: Variant,
    network: Mapping[str, Any],
    training: Mapping[str, Any],
    seed: int,
    state_folder: Path,
    model_path: Path,
    log_path: Path,
    widths: Widths | None = None,
    start: Path | None = None,
    threads: int = 1,
    code: str = "",
    provenance: Mapping[str, Any] | None = None,
) -> None:
    """Train ``variant`` and write its best model and its log.

    ``reference`` is a molecule table with the labels, ``splits`` the CSV of ids and splits;
    ``network`` and ``training`` are rows of the configuration, with what the variant overrides. The
    network knows the elements of the training molecules; with the model file ``start`` it begins
    with the weights of that model and knows its elements. At every validation the whole state goes
    into ``state_folder``, from which the same call continues after any interruption; on the CPU the
    result is then the same to the last bit. A state of other settings, molecules or ``code``, a
    digest of the program, is refused. ``widths`` in bohr by element are what a variant with
    penetration learns with. ``threads`` are PyTorch's, ``provenance`` goes into the model file.

    Raises :class:`~mepflow.errors.ConfigError`, :class:`~mepflow.errors.InputError` or
    :class:`~mepflow.errors.StateError` for bad settings, files or state, and
    :class:`~mepflow.errors.MepflowError` where the loss is no longer a finite number.
    """
    settings = TrainingSettings.from_config(training)
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision("high" if settings.precision == "tf32" else "highest")
    shells = (widths or {}) if variant.penetration else None
    tables = _tables(reference, splits, variant, shells)
    fields = _labelled(tables, variant, reference)
    model = first_model(variant, {**network, "elements": elements_of(tables[TRAIN])}, seed, start)
    model = model.to(torch_device(settings.device), _dtype(settings))
    make_task = import_module(TASKS[variant.task]).make_task
    task = make_task(model, list(tables.values()), fields, reference, settings)
    trainer = Trainer(model, task, settings, seed)
    kept = settings.decisive()
    decisive = {**_rows(model), "training": kept, "seed": seed, "code": code}
    decisive |= {} if start is None else {"start": weights_digest(model)}
    fingerprint = checkpoints.fingerprint(decisive, fields.values(), *tables.values())
    state = checkpoints.load(state_folder, fingerprint)
    if state is not None:
        trainer.restore(state)
        logger.info("%s, seed %d: continuing after step %d", variant.name, seed, state.step)
    _run(trainer, fingerprint, state_folder, log_path)
    origin = {**(provenance or {}), "seed": seed, **_origin(trainer, tables, shells)}
    origin |= {} if start is None else {"start_from": start.as_posix()}
    save_model(model_path, model, trainer.best_model, origin, kept)
    write_log(log_path, trainer.rows)
    checkpoints.save(trainer.checkpoint(fingerprint, delivered=True), state_folder)


def _tables(
    reference: Path, splits: Path, variant: Variant, shells: Widths | None
) -> dict[str, MoleculeTable]:
    """Return the molecules of each split that a training uses, with the grids that it learns on."""
    table = MoleculeTable.load(reference)
    learned = {name: table.grids[name] for name in variant.mep_grids if name in table.grids}
    table = replace(table, grids=learned)
    tables = {split: table.select(rows_in_split(table.ids, splits, split)) for split in _SPLITS}
    if variant.charges_like == FITTED:
        grids = variant.mep_grids
        tables = {k: with_fitted_charges(table, grids, reference) for k, table in tables.items()}
    if shells is None:
        return tables
    return {k: without_penetration(table, shells, reference) for k, table in tables.items()}


def _labelled(
    tables: Mapping[str, MoleculeTable], variant: Variant, reference: Path
) -> dict[str, str]:
    """Return the field of each target's labels; raises where a molecule has nothing to learn."""
    whole = MoleculeTable.concatenate(list(tables.values()))
    fields = label_fields(whole, variant, reference)
    for split, table in tables.items():
        require_labels(table, split, fields, variant, reference)
    return fields


def _rows(model: MultipoleModel) -> dict[str, Any]:
    """Return the rows of the configuration that a model is made of."""
    variant = {"name": model.variant.name, **model.variant.row()}
    return {"variant": variant, "network": network_row(model.settings)}


def _origin(
    trainer: Trainer, tables: Mapping[str, MoleculeTable], shells: Widths | None
) -> dict[str, Any]:
    """Return which step's weights are kept, and what they were learned from."""
    return {
        "step": trainer.best_step,
        "validation_loss": trainer.best_loss,
        "train_molecules": len(tables[TRAIN]),
        "validation_molecules": len(tables[VALIDATION]),
        "domain": TrainingDomain.from_table(tables[TRAIN]).to_dict(),
        **({} if shells is None else {PENETRATION: dict(shells)}),
    }


def _dtype(settings: TrainingSettings) -> torch.dtype:
    return torch.float64 if settings.precision == "float64" else torch.float32


def _run(trainer: Trainer, fingerprint: str, state_folder: Path, log_path: Path) -> None:
    """Train to the end, with a checkpoint and a new log after every validation."""
    while not trainer.finished:
        row = trainer.advance()
        checkpoints.save(trainer.checkpoint(fingerprint), state_folder)
        write_log(log_path, trainer.rows)
        _report(trainer, row)


def _report(trainer: Trainer, row: LogRow) -> None:
    logger.info(
        "%s, seed %d: step %d/%d, epoch %.1f: loss %.4g, validation loss %.4g%s, %s, %.0f s",
        trainer.task.name,
        trainer.seed,
        row["step"],
        trainer.settings.steps,
        row["epoch"],
        row["train_loss"],
        row["validation_loss"],
        " (best)" if row["step"] == trainer.best_step else "",
        ", ".join(_errors(row)),
        row["wall_time_s"],
    )


def _errors(row: LogRow) -> Iterator[str]:
    """Yield the root-mean-square error of each target in a row of the log, with its unit."""
    for name, target in TARGETS.items():
        _, rmse = target.error_columns()
        if rmse in row:
            yield f"{name} RMSE {row[rmse]:.4g} {target.unit}"

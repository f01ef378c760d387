"""Train a density model with one seed: from files to files, resumable at any moment."""

import logging
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import torch
from torch import Tensor

from mepflow.densities.density_labels import DensityLabels
from mepflow.densities.density_losses import Measure, measure_of, prepared
from mepflow.densities.density_model import DensityModel
from mepflow.densities.density_network import DensityNetworkSettings
from mepflow.densities.density_training_data import (
    LabelledGraph,
    errors_of,
    labelled_graphs,
    mean_neighbours,
    wrong_coefficients,
)
from mepflow.densities.function_layout import FunctionLayout
from mepflow.densities.pyscf_basis import coulomb_matrix
from mepflow.densities.setting_keys import require_keys
from mepflow.densities.soap_optimizer import Soap
from mepflow.densities.whitening import whitening
from mepflow.errors import InputError, MepflowError
from mepflow.models.device import torch_device
from mepflow.models.domain import TrainingDomain
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.selection.splits import TRAIN, VALIDATION
from mepflow.training import checkpoint as checkpoints
from mepflow.training.batches import batch_of_step
from mepflow.training.checkpoint import Checkpoint
from mepflow.training.log import LogRow, write_log
from mepflow.training.training_settings import Schedule
from mepflow.units import HARTREE_PER_E_IN_KCAL_PER_MOL_E

logger = logging.getLogger(__name__)

FREE_ATOMS: Final = "free-atoms"
"""The prior that a density is learned on top of; the other one is none."""
_VALIDATION_BATCH: Final = 32


@dataclass(frozen=True)
class DensityTrainingSettings:
    """The keys of ``densities.training``; what each means stands in the schema."""

    steps: int
    batch_size: int
    learning_rate: float
    average_decay: float
    validation_interval: int
    device: str
    loss: str
    prior: str
    train_molecules: int | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Return the settings of a row; raises :class:`ConfigError` where keys differ."""
        require_keys(cls, row, "densities.training")
        return cls(**row)


class DensityTrainer:
    """Weights, their running mean, optimiser, log and best mean weights of one training."""

    def __init__(
        self,
        model: DensityModel,
        train: list[LabelledGraph],
        validation: list[LabelledGraph],
        measure: Measure,
        settings: DensityTrainingSettings,
        seed: int,
    ) -> None:
        self.model, self.settings, self._measure = model, settings, measure
        self.network = model.network
        self.step = 0
        self.rows: list[LogRow] = []
        self.best_step, self.best_loss = 0, math.inf
        self._train, self._validation = train, validation
        self._width = self.network.layout.width
        self._optimizer = Soap(self.network.parameters())
        self._mean = {name: p.detach().clone() for name, p in self.network.named_parameters()}
        self.best_model = self._copied(self._mean)
        self._molecules_of = batch_of_step(len(train), settings.batch_size, seed)
        self._schedule = Schedule("cosine")
        self._earlier_s, self._start_s = 0.0, time.monotonic()

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        return self.step >= self.settings.steps

    def advance(self) -> LogRow:
        """Train to the next validation, validate the mean weights, return the new row of the log.

        Raises :class:`MepflowError` where the loss is not finite.
        """
        stop = min(self.step + self.settings.validation_interval, self.settings.steps)
        losses = []
        while self.step < stop:
            losses.append(self._one_step())
            self.step += 1
        columns = self.validate()
        if columns["validation_loss"] < self.best_loss:
            self.best_step, self.best_loss = self.step, columns["validation_loss"]
            self.best_model = self._copied(self._mean)
        row = {
            "step": self.step,
            "epoch": self.step * self.settings.batch_size / len(self._train),
            "learning_rate": self._rate(self.step - 1),
            "train_loss": float(np.mean(losses)),
            **columns,
            "wall_time_s": self._wall_time_s(),
        }
        self.rows.append(row)
        return row

    def validate(self) -> dict[str, float]:
        """Return loss and errors of the mean weights on the validation set, by column."""
        own = self._copied(dict(self.network.named_parameters()))
        self.network.load_state_dict(self._mean)
        starts = range(0, len(self._validation), _VALIDATION_BATCH)
        parts, losses = [], []
        with torch.no_grad():
            for start in starts:
                molecules = self._validation[start : start + _VALIDATION_BATCH]
                wrong = wrong_coefficients(molecules, self.network, self._width)
                parts.append(errors_of(molecules, wrong))
                losses.append(self._measure(molecules, wrong, None))
        self.network.load_state_dict(own)
        potential = torch.cat([part.potential for part in parts]).clamp(min=0.0)
        rmse = float(potential.mean().sqrt()) * HARTREE_PER_E_IN_KCAL_PER_MOL_E
        return {
            "validation_loss": float(torch.cat(losses).mean()),
            "validation_coulomb_hartree_per_atom": float(
                torch.cat([part.coulomb for part in parts]).mean()
            ),
            "validation_mep_rmse_kcal_per_mol_e": rmse,
        }

    def checkpoint(self, fingerprint: str, *, delivered: bool = False) -> Checkpoint:
        """Return the state, from which :meth:`restore` makes an identical trainer."""
        return Checkpoint(
            fingerprint=fingerprint,
            step=self.step,
            model=self.network.state_dict(),
            optimizer={"soap": self._optimizer.state_dict(), "mean": self._mean},
            best_model=self.best_model,
            best_step=self.best_step,
            best_loss=self.best_loss,
            rows=[dict(row) for row in self.rows],
            wall_time_s=self._wall_time_s(),
            delivered=delivered,
        )

    def restore(self, state: Checkpoint) -> None:
        """Continue from a checkpoint of the same training."""
        self.network.load_state_dict(state.model)
        self._optimizer.load_state_dict(state.optimizer["soap"])
        for name, values in state.optimizer["mean"].items():
            self._mean[name].copy_(values)
        self.step, self.rows = state.step, list(state.rows)
        self.best_step, self.best_loss = state.best_step, state.best_loss
        self.best_model = state.best_model
        self._earlier_s, self._start_s = state.wall_time_s, time.monotonic()

    def _one_step(self) -> float:
        molecules = [self._train[row] for row in self._molecules_of(self.step)]
        wrong = wrong_coefficients(molecules, self.network, self._width)
        loss = self._measure(molecules, wrong, self.step).mean()
        value = float(loss.detach())
        if not math.isfinite(value):
            raise MepflowError(
                f"Training of the density: the loss is {value} at step {self.step + 1} (molecules"
                f" {', '.join(one.id for one in molecules)}): check their labels or lower"
                " densities.training.learning_rate; the last checkpoint is kept."
            )
        self.network.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step(self._rate(self.step))
        # A mean over all steps at first, or the random start would stay in it for long.
        decay = min(self.settings.average_decay, (1.0 + self.step) / (10.0 + self.step))
        for name, values in self.network.named_parameters():
            self._mean[name].lerp_(values.detach(), 1.0 - decay)
        return value

    def _rate(self, step: int) -> float:
        return self.settings.learning_rate * self._schedule.scale(step, self.settings.steps)

    @staticmethod
    def _copied(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: values.detach().cpu().clone() for name, values in weights.items()}

    def _wall_time_s(self) -> float:
        return self._earlier_s + time.monotonic() - self._start_s


def train_density(
    *,
    labels: Path,
    network: Mapping[str, Any],
    training: Mapping[str, Any],
    seed: int,
    state_folder: Path,
    model_path: Path,
    log_path: Path,
    threads: int = 1,
    code: str = "",
) -> None:
    """Train a density model and write its best mean weights and its log.

    ``labels`` is the file of :mod:`mepflow.densities.density_labels`, ``network`` and ``training``
    rows of the configuration. At every validation the whole state goes into ``state_folder``, from
    which the same call continues after any interruption, on the CPU to the same last bit. A state
    of other settings, labels or ``code`` is refused.

    Raises :class:`ConfigError`, :class:`InputError` or :class:`~mepflow.errors.StateError` for bad
    settings, files or state, and :class:`MepflowError` where the loss is no finite number.
    """
    torch.set_num_threads(threads)
    settings = DensityTrainingSettings.from_row(training)
    row = DensityNetworkSettings.from_row(network)
    known = DensityLabels.load(labels)
    trainer = _new_trainer(known, row, settings, seed)
    kept = {key: value for key, value in asdict(settings).items() if key != "device"}
    decisive = {"network": row.row(), "training": kept, "seed": seed, "code": code}
    fingerprint = checkpoints.fingerprint({**decisive, "labels": known.digest()}, ())
    state = checkpoints.load(state_folder, fingerprint)
    if state is not None:
        trainer.restore(state)
        logger.info("density, seed %d: continuing after step %d", seed, state.step)
    while not trainer.finished:
        report = trainer.advance()
        checkpoints.save(trainer.checkpoint(fingerprint), state_folder)
        write_log(log_path, trainer.rows)
        logger.info("density, seed %d: %s", seed, _shown(report))
    trainer.model.save(model_path, trainer.best_model)
    write_log(log_path, trainer.rows)
    checkpoints.save(trainer.checkpoint(fingerprint, delivered=True), state_folder)


def _new_trainer(
    labels: DensityLabels,
    network: DensityNetworkSettings,
    settings: DensityTrainingSettings,
    seed: int,
) -> DensityTrainer:
    device, dtype = torch_device(settings.device), torch.float32
    layout = FunctionLayout.of(labels.basis)
    prepare = partial(prepared, settings.loss, labels.basis)
    place = (network.cutoff, device, dtype, prepare)
    train = labelled_graphs(labels, TRAIN, layout, *place, settings.train_molecules)
    validation = labelled_graphs(labels, VALIDATION, layout, *place)
    if not train or not validation:
        raise InputError("The labels hold no molecules to train on or to validate with: see split.")
    origin = np.zeros((1, 3))
    coulomb = {
        n: coulomb_matrix(labels.basis.name, np.array([n]), origin) for n in labels.basis.shells
    }
    blocks = whitening(labels.basis, coulomb)
    about = {"seed": seed, "orbital_basis": labels.orbital_basis, "domain": _domain(train, labels)}
    torch.manual_seed(seed)
    atoms = {
        n: c if settings.prior == FREE_ATOMS else 0.0 * c for n, c in labels.free_atoms.items()
    }
    model = DensityModel.new(network, labels.basis, atoms, blocks, mean_neighbours(train), about)
    model.network.to(device, dtype)
    measure = measure_of(settings.loss, labels.weight, labels.basis, seed)
    return DensityTrainer(model, train, validation, measure, settings, seed)


def _domain(train: list[LabelledGraph], labels: DensityLabels) -> dict[str, Any]:
    """Return what the training molecules have in common, in plain values."""
    ids = {one.id for one in train}
    molecules = [
        Molecule(one.id, one.numbers.astype(np.uint8), one.positions, one.charge)
        for one in labels.molecules
        if one.id in ids
    ]
    return TrainingDomain.from_table(MoleculeTable.from_molecules(molecules)).to_dict()


def _shown(row: LogRow) -> str:
    return (
        f"step {row['step']}, loss {row['train_loss']:.3g}, validation loss"
        f" {row['validation_loss']:.3g}, MEP {row['validation_mep_rmse_kcal_per_mol_e']:.3g}"
        f" kcal/mol/e, {row['wall_time_s']:.0f} s"
    )

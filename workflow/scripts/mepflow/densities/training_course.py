"""The course of a training whose weights' running mean is the model, resumable at any moment."""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from mepflow.densities.soap_optimizer import Soap
from mepflow.errors import MepflowError
from mepflow.training import checkpoint as checkpoints
from mepflow.training.batches import batch_of_step
from mepflow.training.checkpoint import Checkpoint
from mepflow.training.log import LogRow, write_log
from mepflow.training.training_settings import Schedule

logger = logging.getLogger(__name__)

Weights = Mapping[str, Tensor]
VALIDATION_LOSS: Final = "validation_loss"
"""The column of a validation that says which weights are best."""


class CourseSettings(Protocol):
    """What a course needs to know; what each means stands in the schema."""

    @property
    def steps(self) -> int: ...
    @property
    def batch_size(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def average_decay(self) -> float: ...
    @property
    def validation_interval(self) -> int: ...


class Problem(Protocol):
    """What is learned from training molecules, which have numbers from 0 on."""

    @property
    def name(self) -> str:
        """Return what it is, for messages: the section of the configuration."""

    @property
    def ids(self) -> Sequence[str]:
        """Return the ids of the training molecules."""

    def loss(self, molecules: Sequence[int], step: int) -> Tensor:
        """Return the mean loss of some training molecules at a step."""

    def validate(self) -> dict[str, float]:
        """Return loss and errors on the validation set, by column of the log."""


class Course:
    """Weights, their running mean, optimiser, log and best mean weights of one training."""

    def __init__(
        self, network: nn.Module, problem: Problem, settings: CourseSettings, seed: int
    ) -> None:
        self.network, self.settings = network, settings
        self.step = 0
        self.rows: list[LogRow] = []
        self.best_step, self.best_loss = 0, math.inf
        self._problem = problem
        self._optimizer = Soap(network.parameters())
        self._mean = {name: p.detach().clone() for name, p in network.named_parameters()}
        self.best_model = _copied(self._mean)
        self._molecules_of = batch_of_step(len(problem.ids), settings.batch_size, seed)
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
        columns = self._validated()
        if columns[VALIDATION_LOSS] < self.best_loss:
            self.best_step, self.best_loss = self.step, columns[VALIDATION_LOSS]
            self.best_model = _copied(self._mean)
        row = {
            "step": self.step,
            "epoch": self.step * self.settings.batch_size / len(self._problem.ids),
            "learning_rate": self._rate(self.step - 1),
            "train_loss": float(np.mean(losses)),
            **columns,
            "wall_time_s": self._wall_time_s(),
        }
        self.rows.append(row)
        return row

    def checkpoint(self, fingerprint: str, *, delivered: bool = False) -> Checkpoint:
        """Return the state, from which :meth:`restore` makes an identical course."""
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
        molecules = self._molecules_of(self.step).tolist()
        loss = self._problem.loss(molecules, self.step)
        value = float(loss.detach())
        if not math.isfinite(value):
            ids = ", ".join(self._problem.ids[row] for row in molecules)
            raise MepflowError(
                f"{self._problem.name}: the loss is {value} at step {self.step + 1} (molecules"
                f" {ids}): check their labels or lower"
                f" {self._problem.name}.training.learning_rate; the last checkpoint is kept."
            )
        self.network.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step(self._rate(self.step))
        # A mean over all steps at first, or the random start would stay in it for long.
        decay = min(self.settings.average_decay, (1.0 + self.step) / (10.0 + self.step))
        for name, values in self.network.named_parameters():
            self._mean[name].lerp_(values.detach(), 1.0 - decay)
        return value

    def _validated(self) -> dict[str, float]:
        """Return what the problem says of the mean weights."""
        own = _copied(dict(self.network.named_parameters()))
        self._take(self._mean)
        found = self._problem.validate()
        self._take(own)
        return found

    def _take(self, weights: Weights) -> None:
        with torch.no_grad():
            for name, values in self.network.named_parameters():
                values.copy_(weights[name])

    def _rate(self, step: int) -> float:
        return self.settings.learning_rate * self._schedule.scale(step, self.settings.steps)

    def _wall_time_s(self) -> float:
        return self._earlier_s + time.monotonic() - self._start_s


def follow(
    course: Course,
    fingerprint: str,
    state_folder: Path,
    log_path: Path,
    save: Callable[[Weights], None],
    what: str,
) -> None:
    """Bring a course to its end from where ``state_folder`` has it, and save its best mean weights.

    At every validation the whole state goes there. Raises :class:`~mepflow.errors.StateError` for a
    state of another ``fingerprint``.
    """
    state = checkpoints.load(state_folder, fingerprint)
    if state is not None:
        course.restore(state)
        logger.info("%s: continuing after step %d", what, state.step)
    while not course.finished:
        report = course.advance()
        checkpoints.save(course.checkpoint(fingerprint), state_folder)
        write_log(log_path, course.rows)
        logger.info("%s: %s", what, _shown(report))
    save(course.best_model)
    write_log(log_path, course.rows)
    checkpoints.save(course.checkpoint(fingerprint, delivered=True), state_folder)


def _copied(weights: Weights) -> dict[str, Tensor]:
    return {name: values.detach().cpu().clone() for name, values in weights.items()}


def _shown(row: LogRow) -> str:
    left_out = ("step", "epoch", "learning_rate", "wall_time_s")
    values = [f"{key} {value:.3g}" for key, value in row.items() if key not in left_out]
    return f"step {row['step']}, {', '.join(values)}, {row['wall_time_s']:.0f} s"

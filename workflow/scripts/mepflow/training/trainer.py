"""A model in training, between two checkpoints."""

import contextlib
import logging
import math
import time
from typing import Any, Final

import torch
from torch import Tensor, nn
from tqdm import tqdm

from mepflow.errors import MepflowError
from mepflow.training.batches import batch_of_step
from mepflow.training.captured import CapturedSteps
from mepflow.training.checkpoint import Checkpoint
from mepflow.training.log import LogRow
from mepflow.training.loss import ErrorSummary
from mepflow.training.optimizer import (
    OPTIMIZERS,
    FlatParameters,
    WeightAverage,
    clip_norm,
)
from mepflow.training.padding import Capacity
from mepflow.training.task import Task
from mepflow.training.training_settings import TrainingSettings

logger = logging.getLogger(__name__)

_IDS_SHOWN: Final = 8


class Trainer:
    """Weights, optimiser, log and best model of one training.

    The best model is the one with the lowest validation loss, at any of the validations. On a GPU,
    steps are ``recorded`` and replayed, unless that is switched off.
    """

    def __init__(
        self,
        model: nn.Module,
        task: Task[Any, Any],
        settings: TrainingSettings,
        seed: int,
        *,
        recorded: bool = True,
    ) -> None:
        self.model = model
        self.settings = settings
        self.seed = seed
        self.task = task
        self.step = 0
        self.rows: list[LogRow] = []
        self.best_step, self.best_loss, self.best_model = 0, math.inf, self._copied_state()
        self._device = task.device
        self._weights = FlatParameters(model)
        make_optimizer = OPTIMIZERS[settings.optimizer]
        self._optimizer = make_optimizer(self._weights.values, settings.adam_epsilon)
        decay = settings.weight_average
        self._average = decay and WeightAverage(self._weights.values, decay)
        self._molecules_of = batch_of_step(len(task.train_ids), settings.batch_size, seed)
        on_gpu = self._device.type == "cuda"
        # A look at the loss makes the host wait for the device, so a GPU is asked now and then.
        self._check_interval = 50 if on_gpu else 1
        self._captured = (
            CapturedSteps(self._padded_step, settings.batch_size, self._device)
            if on_gpu and recorded and task.recordable
            else None
        )
        self._earlier_s, self._start_s = 0.0, time.monotonic()

    @property
    def finished(self) -> bool:
        """Whether all steps are done, or validations stopped improving for the set patience."""
        patience = self.settings.early_stopping_patience
        if patience is not None and len(self.rows) > patience:
            recent = self.rows[-patience:]
            if all(row["step"] > self.best_step for row in recent):
                return True
        return self.step >= self.settings.steps

    def advance(self) -> LogRow:
        """Train to the next validation, validate, and return the new row of the log.

        Raises :class:`MepflowError` where a loss is not finite.
        """
        with contextlib.nullcontext() if self._captured is None else self._captured.stream():
            return self._advance()

    def _advance(self) -> LogRow:
        interval = self.settings.validation_interval
        stop = min((self.step // interval + 1) * interval, self.settings.steps)
        train_loss = float(torch.stack(self._train_until(stop)).double().mean())
        with self._average.in_place() if self._average else contextlib.nullcontext():
            errors = self.validate()
            if not math.isfinite(errors.loss):
                raise MepflowError(self._not_finite("validation loss", errors.loss, stop, []))
            if errors.loss < self.best_loss:
                self.best_step, self.best_loss = self.step, errors.loss
                self.best_model = self._copied_state()
        row = {
            "step": self.step,
            "epoch": self.step * self.settings.batch_size / len(self.task.train_ids),
            "learning_rate": self.settings.learning_rate_at(self.step - 1),
            "train_loss": train_loss,
            "validation_loss": errors.loss,
            **errors.columns,
            "wall_time_s": self._wall_time_s(),
        }
        self.rows.append(row)
        return row

    def validate(self) -> ErrorSummary:
        """Return the errors of the present weights on the validation set."""
        with torch.no_grad():
            parts = [
                self.task.errors(self._predict, batch) for batch in self.task.validation_batches()
            ]
        return self.task.summary(parts)

    def checkpoint(self, fingerprint: str, *, delivered: bool = False) -> Checkpoint:
        """Return the state, from which :meth:`restore` makes an identical trainer."""
        return Checkpoint(
            fingerprint=fingerprint,
            step=self.step,
            model=self.model.state_dict(),
            optimizer={
                **self._optimizer.state_dict(),
                **(self._average.state_dict() if self._average else {}),
            },
            best_model=self.best_model,
            best_step=self.best_step,
            best_loss=self.best_loss,
            rows=[dict(row) for row in self.rows],
            wall_time_s=self._wall_time_s(),
            delivered=delivered,
        )

    def restore(self, state: Checkpoint) -> None:
        """Continue from a checkpoint of the same training."""
        self.model.load_state_dict(state.model)
        self._optimizer.load_state_dict(state.optimizer)
        if self._average:
            self._average.load_state_dict(state.optimizer)
        self.step = state.step
        self.rows = list(state.rows)
        self.best_step, self.best_loss = state.best_step, state.best_loss
        self.best_model = state.best_model
        self._earlier_s, self._start_s = state.wall_time_s, time.monotonic()

    def _train_until(self, stop: int) -> list[Tensor]:
        """Do the steps before ``stop``; return their losses, on the device."""
        losses: list[Tensor] = []
        checked = 0
        progress = tqdm(
            desc=self.task.name,
            total=self.settings.steps,
            initial=self.step,
            unit="step",
            disable=None,  # shown on a terminal only
            leave=stop == self.settings.steps,
        )
        with progress:
            while self.step < stop:
                losses.append(self._train_step())
                self.step += 1
                progress.update()
                if len(losses) - checked == self._check_interval or self.step == stop:
                    self._require_finite(losses[checked:])
                    checked = len(losses)
        return losses

    def _train_step(self) -> Tensor:
        molecules = self._molecules_of(self.step)
        self._optimizer.begin_step(self.settings.learning_rate_at(self.step))
        if self._average:
            self._average.begin_step(self.step)
        if self._captured is not None:
            return self._captured(molecules, self.task.capacity(molecules))
        return self._update(self.task.errors(self._predict, self.task.batch(molecules)))

    def _padded_step(self, molecules: Tensor, capacity: Capacity) -> Tensor:
        """Do a step on a padded batch; the device tells the host nothing."""
        batch = self.task.padded_batch(molecules, capacity)
        return self._update(self.task.errors(self._predict, batch))

    def _update(self, errors: Any) -> Tensor:
        """Change the weights along the gradient of the loss of these errors; return the loss."""
        loss = self.task.loss(errors)
        gradient = self._weights.gradient(loss)
        if self.settings.gradient_clip_norm is not None:
            clip_norm(gradient, self.settings.gradient_clip_norm)
        self._optimizer.update(gradient)
        if self._average:
            self._average.update()
        return loss.detach()

    def _predict(self, inputs: Any) -> Any:
        """Return what the model predicts.

        This alone runs in the precision of the training; labels and sums stay in the data's.
        """
        bf16 = self.settings.precision == "bf16"
        # A recorded step must not take weights in bfloat16 from the cache of an earlier one.
        with torch.autocast(self._device.type, torch.bfloat16, enabled=bf16, cache_enabled=False):
            return self.model(inputs)

    def _require_finite(self, losses: list[Tensor]) -> None:
        """Raise where one of the losses of the last steps is not finite."""
        values = torch.stack(losses).tolist()
        first_step = self.step - len(values)
        for step, value in enumerate(values, start=first_step):
            if not math.isfinite(value):
                ids = [self.task.train_ids[row] for row in self._molecules_of(step)]
                raise MepflowError(self._not_finite("loss", value, step + 1, ids))

    def _not_finite(self, what: str, value: float, step: int, ids: list[str]) -> str:
        shown = ", ".join(ids[:_IDS_SHOWN]) + (" and more" if len(ids) > _IDS_SHOWN else "")
        return (
            f"Training of {self.task.name}: the {what} is {value} at step {step}"
            + (f" (molecules {shown})" if ids else "")
            + ": check these molecules' labels or lower training.learning_rate; "
            "the last checkpoint is kept."
        )

    def _copied_state(self) -> dict[str, Tensor]:
        return {name: values.cpu().clone() for name, values in self.model.state_dict().items()}

    def _wall_time_s(self) -> float:
        return self._earlier_s + time.monotonic() - self._start_s

"""What a trainer asks of a task: what is learned, from which data."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from mepflow.training.batches import IntArray
from mepflow.training.loss import ErrorSummary
from mepflow.training.padding import Capacity

Batch = TypeVar("Batch")
Errors = TypeVar("Errors")

Predict = Callable[[Any], Any]
"""The model in the precision of the training: from its inputs to its outputs."""


class Task(Protocol[Batch, Errors]):
    """Molecules, what is learned of them, and how wrong a model is.

    The trainer knows steps, weights and files; what a batch or an error is, only the task does.
    ``train_ids`` are the molecules that are learned from, whose rows make the batches;
    ``recordable`` tells whether the work of a padded batch is the same for all batches of its size.
    """

    name: str
    train_ids: Sequence[str]
    device: torch.device
    recordable: bool

    def batch(self, molecules: IntArray) -> Batch:
        """Return the batch of these rows of the training set, with labels."""

    def capacity(self, molecules: IntArray) -> Capacity:
        """Return sizes for these rows that many batches share."""

    def padded_batch(self, molecules: Tensor, capacity: Capacity) -> Batch:
        """Return the batch of rows on the device with padding, without asking the host.

        The padding must not change the loss.
        """

    def validation_batches(self) -> Iterable[Batch]:
        """Return the whole validation set in pieces."""

    def errors(self, predict: Predict, batch: Batch) -> Errors:
        """Return how wrong the model is on a batch."""

    def loss(self, errors: Errors) -> Tensor:
        """Return what the training makes small, a number on the device."""

    def summary(self, parts: Sequence[Errors]) -> ErrorSummary:
        """Return the loss that chooses the best step, and the log's columns, from all errors."""

"""The task of learning what atomic charges and dipoles give: multipoles, charges, potential."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from mepflow.models.device_data import DeviceDataset
from mepflow.models.multipole_model import MultipoleModel, Multipoles
from mepflow.models.targets import POTENTIAL
from mepflow.molecules import MoleculeTable
from mepflow.multipoles import components
from mepflow.training.batches import IntArray
from mepflow.training.labels import LabelledBatch, LabelledSet, Labels, labels_on
from mepflow.training.loss import ErrorSummary, Residual, Residuals, summarise, weighted_loss
from mepflow.training.padding import Capacity, capacity_for
from mepflow.training.potential_labels import PotentialLabels
from mepflow.training.task import Predict
from mepflow.training.training_settings import TrainingSettings

_PREDICTED: Final[Mapping[str, Callable[[Multipoles], Tensor]]] = {
    "dipole": lambda found: found.dipole,
    "quadrupole": lambda found: components(found.quadrupole),
    # Its gradient is 0, not nan, where the dipole is 0.
    "dipole_norm": lambda found: torch.linalg.vector_norm(found.dipole, dim=1, keepdim=True),
    "charges": lambda found: found.charges[:, None],
}
"""Numbers (R, C) of each target, from what a model predicts."""


def residuals(found: Multipoles, batch: LabelledBatch) -> dict[str, Residual]:
    """Return prediction less label of every target that ``batch`` has labels of.

    Rows of padding come last; molecules of padding have no label, atoms of padding do not count.
    """
    errors = {
        name: Residual(_PREDICTED[name](found)[: len(values)] - values, known)
        for name, (values, known) in batch.labels.items()
    }
    if batch.potential is not None:
        errors[POTENTIAL] = Residual(
            batch.potential.errors(found, batch.inputs.graph.molecule), None
        )
    return errors


class MultipoleTask:
    """The :class:`~mepflow.training.task.Task` of a variant of multipole models."""

    recordable = True

    def __init__(
        self,
        model: MultipoleModel,
        tables: Sequence[MoleculeTable],
        fields: Mapping[str, str],
        source: Path | str = "the table",
        settings: TrainingSettings | None = None,
    ) -> None:
        """Put the molecules to train with and those to validate with on the model's device.

        ``fields`` give each target's labels, ``source`` is the tables' name in messages,
        ``settings`` say which loss is made small, by default squares. Raises
        :class:`~mepflow.errors.InputError` about a molecule with an element unknown to ``model``.
        """
        self.name = model.variant.name
        self.train_ids = tables[0].ids
        self._weights = model.variant.loss_weights
        self._loss = settings.loss if settings else "squared"
        self._selecting_weights = model.variant.selecting_weights
        weights = next(model.parameters())
        self.device, self.dtype = weights.device, weights.dtype
        self.train, self.validation = (
            LabelledSet(
                DeviceDataset.from_table(
                    table,
                    model.settings.elements,
                    model.settings.cutoff_angstrom,
                    device=self.device,
                    dtype=self.dtype,
                    source=source,
                ),
                self.labels(table, fields, list(targets)),
                self._potential(model, table, self.dtype, source),
            )
            for table, targets in zip(tables, (self._weights, fields), strict=True)
        )

    def labels(
        self, table: MoleculeTable, fields: Mapping[str, str], targets: Sequence[str]
    ) -> dict[str, Labels]:
        """Return the labels of these targets on the device, from their fields."""
        return labels_on(self.device, self.dtype, table, fields, targets)

    def _potential(
        self, model: MultipoleModel, table: MoleculeTable, dtype: torch.dtype, source: Path | str
    ) -> PotentialLabels | None:
        if POTENTIAL not in self._weights:
            return None
        grids, terms = model.variant.mep_grids, model.variant.atomic_terms
        return PotentialLabels.from_table(table, grids, terms, self.device, dtype, source)

    def batch(self, molecules: IntArray) -> LabelledBatch:
        """Return the batch of these rows of the training set, with labels."""
        return self.train.batch(molecules)

    def capacity(self, molecules: IntArray) -> Capacity:
        """Return sizes for these rows that many batches share."""
        return capacity_for(self.train.molecules, molecules)

    def padded_batch(self, molecules: Tensor, capacity: Capacity) -> LabelledBatch:
        """Return the batch of rows on the device with padding, without asking the host."""
        return self.train.padded_batch(molecules, capacity)

    def validation_batches(self) -> Iterator[LabelledBatch]:
        """Return the whole validation set in pieces."""
        return map(self.validation.batch, self.validation.molecules.chunks())

    def errors(self, predict: Predict, batch: LabelledBatch) -> Residuals:
        """Return the residuals of the targets; ``predict`` gives :class:`Multipoles`."""
        return residuals(predict(batch.inputs), batch)

    def loss(self, errors: Residuals) -> Tensor:
        """Return the weighted sum of the mean errors."""
        return weighted_loss(errors, self._weights, self._loss)

    def summary(self, parts: Sequence[Residuals]) -> ErrorSummary:
        """Return the loss that chooses the best step and all errors that the log shows."""
        return summarise(parts, self._selecting_weights, self._loss)


# What mepflow.training.run asks the module of a task for.
make_task = MultipoleTask

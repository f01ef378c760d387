"""The task of learning energies and forces, beside what multipoles are learned from.

Energies are counted from references of the elements, which are fitted to the training molecules or
those of the settings.
Forces are derivatives of the energy. A loss on them needs second derivatives of the network: exact
ones through plain layers, or differences of first ones (:mod:`mepflow.training.force_gradient`).
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from mepflow.elements import symbol
from mepflow.errors import ConfigError, MepflowError
from mepflow.models.energy_model import (
    EnergyModel,
    EnergyPrediction,
    forces_of,
    with_free_positions,
)
from mepflow.models.energy_units import composition, fitted_units
from mepflow.models.multipole_model import Batch
from mepflow.molecules import MoleculeTable
from mepflow.nn import gpu
from mepflow.nn.pinet2 import native
from mepflow.training.force_gradient import forces_by_differences
from mepflow.training.labels import LabelledBatch, Labels
from mepflow.training.loss import Residual, Residuals
from mepflow.training.multipole_task import MultipoleTask, residuals
from mepflow.training.padding import Capacity
from mepflow.training.task import Predict
from mepflow.training.training_settings import TrainingSettings

_ENERGY, _FORCES = "energy", "forces"


class EnergyTask(MultipoleTask):
    """The :class:`~mepflow.training.task.Task` of a variant that learns energies or forces."""

    recordable = False

    def __init__(
        self,
        model: EnergyModel,
        tables: Sequence[MoleculeTable],
        fields: Mapping[str, str],
        source: Path | str,
        settings: TrainingSettings,
    ) -> None:
        """Give ``model`` its energy units, and put the molecules on its device.

        The arguments are those of :class:`MultipoleTask`.
        """
        elements = model.settings.elements
        counts = composition(tables[0], elements)
        energies = tables[0].properties[fields[_ENERGY]]
        forces = tables[0].properties[fields[_FORCES]] if _FORCES in fields else None
        given = settings.energy_references
        references = None if given is None else _by_number(given, elements)
        model.units = fitted_units(energies, forces, counts, elements, references)
        self._model = model
        self._by_differences = settings.force_gradient == "differences"
        super().__init__(model, tables, fields, source, settings)

    def labels(
        self, table: MoleculeTable, fields: Mapping[str, str], targets: Sequence[str]
    ) -> dict[str, Labels]:
        """Return the labels of targets; energies less the references stay in double precision."""
        found = super().labels(table, fields, [name for name in targets if name != _ENERGY])
        if _ENERGY in targets and _ENERGY in fields:
            elements = self._model.settings.elements
            references = composition(table, elements) @ self._model.units.of_elements(elements)
            left = table.properties[fields[_ENERGY]] - references
            values = torch.from_numpy(left).to(self.device)
            known = values.isfinite()
            found[_ENERGY] = Labels(values.nan_to_num(0.0)[:, None], known)
        return found

    def errors(self, predict: Predict, batch: LabelledBatch) -> Residuals:
        """Return the residuals of the targets; ``predict`` gives :class:`EnergyPrediction`."""
        labels = dict(batch.labels)
        energies, forces = labels.pop(_ENERGY, None), labels.pop(_FORCES, None)
        if forces is None:
            found = predict(batch.inputs)
        else:
            found, predicted = self._with_forces(predict, batch.inputs)
        errors = residuals(found.multipoles, replace(batch, labels=labels))
        if energies is not None:
            errors[_ENERGY] = Residual(found.energy[:, None] - energies.values, energies.known)
        if forces is not None:
            errors[_FORCES] = Residual(predicted - forces.values, forces.known)
        return errors

    def padded_batch(self, molecules: Tensor, capacity: Capacity) -> LabelledBatch:
        """Raise :class:`MepflowError`: such steps are not recorded."""
        raise MepflowError(
            f"Steps of {self.name}, which learns energies or forces, cannot be recorded as a CUDA "
            "graph: the pairs of its Coulomb energy have no fixed number; train without recording."
        )

    def _with_forces(self, predict: Predict, inputs: Batch) -> tuple[EnergyPrediction, Tensor]:
        """Return the prediction and the forces, differentiable where gradients are asked for."""
        learning = torch.is_grad_enabled()
        exact = learning and not self._by_differences
        with torch.enable_grad(), plain_layers() if exact else contextlib.nullcontext():
            free, positions = with_free_positions(inputs)
            found: EnergyPrediction = predict(free)
            if not learning or exact:
                return found, forces_of(found.energy, positions, create_graph=exact)
            weights = [values for values in self._model.parameters() if values.requires_grad]
            return found, forces_by_differences(
                lambda moved: cast(EnergyPrediction, predict(moved)).energy,
                inputs,
                found.energy,
                positions,
                weights,
            )


def _by_number(references: Mapping[str, float], elements: Sequence[int]) -> dict[int, float]:
    """Return references by atomic number; raises :class:`ConfigError` where one is missing."""
    if missing := [symbol(z) for z in elements if symbol(z) not in references]:
        raise ConfigError(
            f"training.energy_references has no {', '.join(missing)}, which molecules to train with"
            " have: add the energies of these atoms, or leave the key out."
        )
    return {number: references[symbol(number)] for number in elements}


@contextlib.contextmanager
def plain_layers() -> Iterator[None]:
    """Let networks use operations in the block that have derivatives of any order."""
    with gpu.only_on(), native.switched_off():
        yield


# What mepflow.training.run asks the module of a task for.
make_task = EnergyTask

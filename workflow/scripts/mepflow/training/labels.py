"""Labels of a training: which fields of the reference they are, and what they are on the device.

A label that is nan is missing: it is left out of every mean. Labels of molecules are picked as the
molecules of a batch are, labels of atoms as its atoms; nothing of this needs the host.
"""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mepflow.errors import InputError
from mepflow.models.device_data import DeviceDataset, IntArray
from mepflow.models.multipole_model import Batch
from mepflow.models.targets import ALWAYS_LOGGED, POTENTIAL, TARGETS, Target
from mepflow.models.variants import Variant
from mepflow.molecules import MoleculeTable
from mepflow.multipoles import components
from mepflow.training.padding import Capacity, padded_atoms, padded_batch
from mepflow.training.potential_labels import PotentialLabels

BoolArray = npt.NDArray[np.bool_]

logger = logging.getLogger(__name__)


class Labels(NamedTuple):
    """Labels of one target: ``values`` (R, C) of R molecules or atoms, in the target's unit.

    ``known`` (R,) tells which rows have a label, None that all have; others hold 0.
    """

    values: Tensor
    known: Tensor | None


@dataclass(frozen=True)
class LabelledBatch:
    """Molecules as a model takes them, and their labels by target.

    ``inputs`` may end with a molecule of padding, for which molecular labels have no row.
    """

    inputs: Batch
    labels: Mapping[str, Labels]
    potential: PotentialLabels | None = None


@dataclass(frozen=True)
class LabelledSet:
    """A set of molecules and their labels by target, on one device."""

    molecules: DeviceDataset
    labels: Mapping[str, Labels]
    potential: PotentialLabels | None = None

    def batch(self, molecules: IntArray) -> LabelledBatch:
        """Return the molecules of these rows, in this order."""
        index = torch.from_numpy(molecules).to(self.molecules.device)
        atoms = self.molecules.atoms.gather(index, molecules)[0] if self._of_atoms else index
        return self._labelled(self.molecules.batch(molecules), index, atoms, None)

    def padded_batch(self, molecules: Tensor, capacity: Capacity) -> LabelledBatch:
        """Return the same with padding, from rows on the device and without the host."""
        inputs = padded_batch(self.molecules, molecules, capacity)
        if not self._of_atoms:
            return self._labelled(inputs, molecules, molecules, None)
        atoms, real = padded_atoms(self.molecules, molecules, capacity)
        return self._labelled(inputs, molecules, atoms, real)

    @property
    def _of_atoms(self) -> bool:
        of_atoms = any(TARGETS[name].per == "atom" for name in self.labels)
        return of_atoms or self.potential is not None

    def _labelled(
        self, inputs: Batch, molecules: Tensor, atoms: Tensor, real: Tensor | None
    ) -> LabelledBatch:
        potential = None if self.potential is None else self.potential.picked(molecules, atoms)
        return LabelledBatch(inputs, self._picked(molecules, atoms, real), potential)

    def _picked(self, molecules: Tensor, atoms: Tensor, real: Tensor | None) -> dict[str, Labels]:
        picked = {}
        for name, (values, known) in self.labels.items():
            of_atoms = TARGETS[name].per == "atom"
            rows = atoms if of_atoms else molecules
            chosen = None if known is None else known[rows]
            if of_atoms and real is not None:
                chosen = real if chosen is None else chosen & real
            picked[name] = Labels(values[rows], chosen)
        return picked


def label_fields(table: MoleculeTable, variant: Variant, source: Path) -> dict[str, str]:
    """Return the field that labels each target that ``variant`` learns, or that the log shows.

    It is the first one of the target's that any molecule of ``table`` has; the potential has none,
    see :class:`PotentialLabels`. Raises
    :class:`InputError` where there is none for a target that is learned.
    """
    found = {}
    wanted = {*ALWAYS_LOGGED, *variant.loss_weights} - {POTENTIAL}
    for name in (name for name in TARGETS if name in wanted):
        candidates = TARGETS[name].label_fields(variant.charges_like)
        present = [field for field in candidates if field in table.properties]
        used = [field for field in present if not np.isnan(table.properties[field]).all()]
        if used:
            found[name] = used[0]
        elif name in variant.loss_weights:
            lacks = "has no" if not present else "has no molecule to train with that has"
            raise InputError(
                f"{source} {lacks} {' or '.join(candidates)}, which {variant.name} learns: run the "
                "rule that makes it again, or train another variant."
            )
    return found


def require_labels(
    table: MoleculeTable, split: str, fields: Mapping[str, str], variant: Variant, source: Path
) -> None:
    """Check that every molecule of a split has a label that ``variant`` learns; count missing ones.

    The counts go to the log. Raises :class:`InputError` with the molecule where it has none, or one
    that is infinite, and where a target has no label in the whole split.
    """
    labelled = np.zeros(len(table), dtype=np.bool_)
    if POTENTIAL in variant.loss_weights:
        labelled[:] = True  # :class:`PotentialLabels` refuses a molecule without.
    targets = [name for name in variant.loss_weights if name != POTENTIAL]
    learned = [fields[name] for name in targets]
    for name, field in zip(targets, learned, strict=True):
        has_one = _has_label(table, TARGETS[name], field, source)
        labelled |= has_one
        missing = int((~has_one).sum())
        if missing == len(table):
            raise InputError(
                f"{source}: no molecule of the split {split} has a label in {field}, which "
                f"{variant.name} learns: split the molecules anew or train another variant."
            )
        if missing:
            logger.info("%s: %d of %d molecules have no %s", split, missing, len(table), field)
    if not labelled.all():
        raise InputError(
            f"{source}: molecule {table.ids[int(np.argmin(labelled))]} has no "
            f"{' and no '.join(learned)} for {variant.name} to learn from: compute it again or "
            "filter the molecule out."
        )


def _has_label(table: MoleculeTable, target: Target, field: str, source: Path) -> BoolArray:
    """Return for each molecule whether any of its rows in ``field`` is a label."""
    values = table.properties[field].reshape(len(table.properties[field]), -1)
    owner = np.arange(len(table))
    if target.per == "atom":
        owner = np.repeat(owner, np.diff(table.atom_offsets))
    infinite = np.isinf(values).any(axis=1)
    if infinite.any():
        raise InputError(
            f"{source}: the {field} of molecule {table.ids[owner[int(np.argmax(infinite))]]} is "
            "infinite: compute it again or filter the molecule out."
        )
    has_one = np.zeros(len(table), dtype=np.bool_)
    has_one[owner[np.isfinite(values).all(axis=1)]] = True
    return has_one


def labels_on(
    device: torch.device | str,
    dtype: torch.dtype,
    table: MoleculeTable,
    fields: Mapping[str, str],
    targets: Collection[str],
) -> dict[str, Labels]:
    """Return the labels of ``targets`` of a table, from their ``fields``, on the device."""
    return {
        name: _on_device(_values(name, table.properties[field]), device, dtype)
        for name, field in fields.items()
        if name in targets
    }


def _on_device(values: Tensor, device: torch.device | str, dtype: torch.dtype) -> Labels:
    known = values.isfinite().all(dim=1)
    if known.all():
        return Labels(values.to(device, dtype), None)
    return Labels(values.masked_fill(~known[:, None], 0.0).to(device, dtype), known.to(device))


def _values(target: str, field: npt.NDArray[np.float64]) -> Tensor:
    """Return the numbers (R, C) of a target that a field holds."""
    values: Tensor = torch.from_numpy(field)
    if target == "quadrupole":
        values = components(values)
    elif target == "forces":
        values = -values
    elif target == "dipole_norm" and values.dim() == 2:
        values = torch.linalg.vector_norm(values, dim=1)
    return values.reshape(len(values), TARGETS[target].components)

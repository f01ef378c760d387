"""Train a density model with one seed: from files to files, resumable at any moment."""

from collections.abc import Mapping, Sequence
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
from mepflow.densities.density_network import DensityNetwork, DensityNetworkSettings
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
from mepflow.densities.training_course import VALIDATION_LOSS, Course, follow
from mepflow.densities.whitening import whitening
from mepflow.errors import InputError
from mepflow.models.device import torch_device
from mepflow.models.domain import TrainingDomain
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.selection.splits import TRAIN, VALIDATION
from mepflow.training import checkpoint as checkpoints
from mepflow.units import HARTREE_PER_E_IN_KCAL_PER_MOL_E

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


class DensityProblem:
    """The densities of molecules: what a :class:`~mepflow.densities.training_course.Course` learns.

    Errors of the coefficients count by ``measure``.
    """

    name = "densities"

    def __init__(
        self,
        network: DensityNetwork,
        train: list[LabelledGraph],
        validation: list[LabelledGraph],
        measure: Measure,
    ) -> None:
        self._network, self._measure = network, measure
        self._train, self._validation = train, validation
        self.ids = [molecule.id for molecule in train]

    def loss(self, molecules: Sequence[int], step: int) -> Tensor:
        """Return the mean loss of some training molecules at a step."""
        chosen = [self._train[row] for row in molecules]
        return self._measure(chosen, self._wrong(chosen), step).mean()

    def validate(self) -> dict[str, float]:
        """Return loss and errors on the validation set, by column."""
        parts, losses = [], []
        with torch.no_grad():
            for start in range(0, len(self._validation), _VALIDATION_BATCH):
                molecules = self._validation[start : start + _VALIDATION_BATCH]
                wrong = self._wrong(molecules)
                parts.append(errors_of(molecules, wrong))
                losses.append(self._measure(molecules, wrong, None))
        potential = torch.cat([part.potential for part in parts]).clamp(min=0.0)
        rmse = float(potential.mean().sqrt()) * HARTREE_PER_E_IN_KCAL_PER_MOL_E
        return {
            VALIDATION_LOSS: float(torch.cat(losses).mean()),
            "validation_coulomb_hartree_per_atom": float(
                torch.cat([part.coulomb for part in parts]).mean()
            ),
            "validation_mep_rmse_kcal_per_mol_e": rmse,
        }

    def _wrong(self, molecules: Sequence[LabelledGraph]) -> list[Tensor]:
        return wrong_coefficients(molecules, self._network, self._network.layout.width)


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
    model, problem = _new_problem(known, row, settings, seed)
    course = Course(model.network, problem, settings, seed)
    kept = {key: value for key, value in asdict(settings).items() if key != "device"}
    decisive = {"network": row.row(), "training": kept, "seed": seed, "code": code}
    fingerprint = checkpoints.fingerprint({**decisive, "labels": known.digest()}, ())
    save = partial(model.save, model_path)
    follow(course, fingerprint, state_folder, log_path, save, f"density, seed {seed}")


def _new_problem(
    labels: DensityLabels,
    network: DensityNetworkSettings,
    settings: DensityTrainingSettings,
    seed: int,
) -> tuple[DensityModel, DensityProblem]:
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
    return model, DensityProblem(model.network, train, validation, measure)


def _domain(train: list[LabelledGraph], labels: DensityLabels) -> dict[str, Any]:
    """Return what the training molecules have in common, in plain values."""
    ids = {one.id for one in train}
    molecules = [
        Molecule(one.id, one.numbers.astype(np.uint8), one.positions, one.charge)
        for one in labels.molecules
        if one.id in ids
    ]
    return TrainingDomain.from_table(MoleculeTable.from_molecules(molecules)).to_dict()

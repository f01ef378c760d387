"""Train the energy network on a frozen density, from files to files, resumable at any moment."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

import torch
from torch import Tensor

from mepflow.densities.density_energy_data import (
    ENERGY,
    FORCES,
    LabelledEnergy,
    labelled_energies,
    labels_of,
    predicted_energies,
)
from mepflow.densities.density_energy_model import DensityEnergyModel
from mepflow.densities.density_energy_network import INPUTS
from mepflow.densities.density_model import DensityModel
from mepflow.densities.density_network import DensityNetworkSettings
from mepflow.densities.frozen_densities import FrozenDensities, load_frozen_densities
from mepflow.densities.setting_keys import require_keys
from mepflow.densities.training_course import VALIDATION_LOSS, Course, follow
from mepflow.errors import ConfigError, InputError, choice
from mepflow.models.device import torch_device
from mepflow.models.energy_units import composition, fitted_units
from mepflow.molecules import MoleculeTable
from mepflow.selection.splits import TRAIN, VALIDATION, rows_in_split
from mepflow.training import checkpoint as checkpoints
from mepflow.units import BOHR_IN_ANGSTROM, HARTREE_IN_KCAL_PER_MOL

_VALIDATION_BATCH: Final = 16


@dataclass(frozen=True)
class DensityEnergySettings:
    """The keys of ``density_energies.training``; what each means stands in the schema."""

    steps: int
    batch_size: int
    learning_rate: float
    average_decay: float
    validation_interval: int
    energy_weight: float
    device: str

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Return the settings of a row; raises :class:`ConfigError` where keys differ."""
        require_keys(cls, row, "density_energies.training")
        return cls(**row)


class EnergyProblem:
    """Energies and forces: what a :class:`~mepflow.densities.training_course.Course` learns.

    The loss is the mean square of the forces' components, and ``energy_weight`` times that of the
    energies, both in units of the model's scale (and bohr).
    """

    name = "density_energies"

    def __init__(
        self,
        model: DensityEnergyModel,
        train: list[LabelledEnergy],
        validation: list[LabelledEnergy],
        energy_weight: float,
    ) -> None:
        self._model, self._weight = model, energy_weight
        self._train, self._validation = train, validation
        self.ids = [molecule.id for molecule in train]

    def loss(self, molecules: Sequence[int], step: int) -> Tensor:
        """Return the mean loss of some training molecules."""
        energy, forces = self._wrong([self._train[row] for row in molecules], create_graph=True)
        return self._loss(energy, forces)

    def validate(self) -> dict[str, float]:
        """Return loss and mean absolute errors on the validation set, by column."""
        parts = [
            self._wrong(self._validation[start : start + _VALIDATION_BATCH], create_graph=False)
            for start in range(0, len(self._validation), _VALIDATION_BATCH)
        ]
        energy, forces = (torch.cat(values).detach() for values in zip(*parts, strict=True))
        per_angstrom = HARTREE_IN_KCAL_PER_MOL / BOHR_IN_ANGSTROM
        return {
            VALIDATION_LOSS: float(self._loss(energy, forces)),
            "validation_energy_mae_kcal_per_mol": HARTREE_IN_KCAL_PER_MOL
            * float(energy.abs().mean()),
            "validation_forces_mae_kcal_per_mol_angstrom": per_angstrom
            * float(forces.abs().mean()),
        }

    def _wrong(
        self, molecules: Sequence[LabelledEnergy], *, create_graph: bool
    ) -> tuple[Tensor, Tensor]:
        energy, forces = predicted_energies(molecules, self._model, create_graph=create_graph)
        right = torch.stack([one.energy for one in molecules])
        return energy - right, forces - torch.cat([one.forces for one in molecules])

    def _loss(self, energy: Tensor, forces: Tensor) -> Tensor:
        scale = self._model.units.scale
        return ((forces / scale) ** 2).mean() + self._weight * ((energy / scale) ** 2).mean()


def train_density_energy(
    *,
    density: Path,
    frozen: Path | None,
    reference: Path,
    splits: Path,
    network: Mapping[str, Any],
    inputs: str,
    training: Mapping[str, Any],
    seed: int,
    state_folder: Path,
    model_path: Path,
    log_path: Path,
    threads: int = 1,
    code: str = "",
) -> None:
    """Train an energy network on a density model; write its best mean weights and its log.

    ``density`` is a model of :mod:`mepflow.densities.density_training`, ``frozen`` what it says of
    small molecules (:mod:`mepflow.densities.frozen_densities`), ``reference`` holds
    molecules with energies and gradients, ``splits`` says what they are for; ``network`` and
    ``training`` are rows of the configuration, ``inputs`` one of
    :data:`~mepflow.densities.density_energy_network.INPUTS`. At every validation the whole state
    goes into ``state_folder``, from which the same call continues after any interruption, on the
    CPU to the same last bit. A state of other settings, files or ``code`` is refused.

    Raises :class:`ConfigError`, :class:`InputError` or :class:`~mepflow.errors.StateError` for bad
    settings, files or state, and :class:`~mepflow.errors.MepflowError` where the loss is no finite
    number.
    """
    torch.set_num_threads(threads)
    settings = DensityEnergySettings.from_row(training)
    row = DensityNetworkSettings.from_row(network)
    if inputs not in INPUTS:
        raise ConfigError(f"An energy network has no inputs {inputs!r}: {choice(inputs, INPUTS)}.")
    table = MoleculeTable.load(reference)
    rows = {name: rows_in_split(table.ids, splits, name) for name in (TRAIN, VALIDATION)}
    if not all(map(len, rows.values())):
        raise InputError(f"{splits} has no molecules to train on or to validate with: see split.")
    model = _new_model(DensityModel.load(density), table.select(rows[TRAIN]), row, inputs, seed)
    known = {} if frozen is None else load_frozen_densities(frozen)
    problem = _problem(model, table, rows, settings, known)
    kept = {key: value for key, value in asdict(settings).items() if key != "device"}
    decisive = {
        "network": row.row(),
        "inputs": inputs,
        "training": kept,
        "seed": seed,
        "code": code,
        "files": [_digest(path) for path in (density, reference, splits)],
    }
    fingerprint = checkpoints.fingerprint(decisive, ())
    course = Course(model.network, problem, settings, seed)
    save = partial(model.save, model_path)
    follow(course, fingerprint, state_folder, log_path, save, f"energy, seed {seed}")


def _new_model(
    density: DensityModel,
    train: MoleculeTable,
    settings: DensityNetworkSettings,
    inputs: str,
    seed: int,
) -> DensityEnergyModel:
    if settings.cutoff != density.network.settings.cutoff:
        raise ConfigError(
            f"The energy network sees {settings.cutoff_angstrom} Å and the density network"
            f" {density.network.settings.cutoff_angstrom} Å far: give both one cutoff_angstrom."
        )
    elements = sorted(density.basis.shells)
    counts = composition(train, elements)
    energies, forces = (labels_of(train, target) for target in (ENERGY, FORCES))
    units = fitted_units(energies, forces, counts, elements)
    density.network.requires_grad_(requires_grad=False)
    torch.manual_seed(seed)
    about = {"seed": seed, "domain": density.origin.get("domain", {})}
    return DensityEnergyModel.new(density, settings, inputs, units, density.neighbours, about)


def _problem(
    model: DensityEnergyModel,
    table: MoleculeTable,
    rows: Mapping[str, Any],
    settings: DensityEnergySettings,
    frozen: FrozenDensities,
) -> EnergyProblem:
    """Return the problem of a model, both of whose networks are then where they are trained."""
    place = (torch_device(settings.device), torch.float32)
    model.network.to(*place)
    model.density.network.to(*place)
    train, validation = (
        labelled_energies(table, rows[name], model, frozen) for name in (TRAIN, VALIDATION)
    )
    model.adjust([one.graph for one in train])
    return EnergyProblem(model, train, validation, settings.energy_weight)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

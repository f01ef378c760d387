"""What the parts of the measurement on a GPU share: sizes, made-up molecules, trainers, times."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import network
import numpy as np
import torch

from mepflow.fields import FIELDS
from mepflow.models.multipole_model import MultipoleModel
from mepflow.models.variants import Variant
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.multipoles import centre_of_nuclear_charge, dipole_terms, quadrupole_terms
from mepflow.nn.networks import draw_weights, network_settings
from mepflow.training.multipole_task import MultipoleTask
from mepflow.training.trainer import Trainer
from mepflow.training.training_settings import TrainingSettings
from mepflow.units import BOHR_IN_ANGSTROM

ELEMENTS: Final = network.ELEMENTS
SEED: Final = 1
WEIGHTS: Final = {"dipole": 1.0, "quadrupole": 1.0}
VARIANT: Final = Variant("AC-DQ", ("charges",), WEIGHTS, "charges")
CHARGE_OF: Final = {1: 0.2, 6: -0.1, 7: -0.3, 8: -0.4, 9: -0.2}
"""A charge for each element, in e, that made-up labels follow from: a network can learn it."""
_NO_END: Final = 10**9
"""Steps of a training that is ended by the clock."""


class NotMeasuredError(Exception):
    """A part cannot be measured here; the message is one sentence."""


@dataclass(frozen=True)
class Scale:
    """How large a measurement is.

    ``timing_s`` is what one timing takes at least. Nothing may have more than ``molecules``,
    ``nodes``, ``depth``, ``n_basis`` or ``steps``. Molecules have so many ``atoms``, or 15 to 20.
    """

    device: str
    timing_s: float
    molecules: int
    nodes: int
    depth: int
    n_basis: int
    steps: int
    atoms: int | None = None

    def molecules_of(self, wanted: int) -> list[network.Molecule]:
        """Return as many made-up molecules, if there may be so many."""
        return network.made_up(min(wanted, self.molecules), self.atoms)

    def network(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a row of networks that is not larger than this."""
        largest = {name: getattr(self, name) for name in ("nodes", "depth", "n_basis")}
        return {**row, **{k: min(row[k], most) for k, most in largest.items() if k in row}}


FULL: Final = Scale("cuda", 1.5, 4000, 10_000, 100, 100, 300)
TINY: Final = Scale("cpu", 0.0, 4, 4, 2, 2, 4, 3)
"""Tries the programs out on a processor."""


def large_row() -> dict[str, Any]:
    """Return the row of the large network."""
    settings = network.network_settings(network.SIZES["large"]).to_dict()
    return {k: v for k, v in settings.items() if k not in ("elements", "outputs", "layer_nodes")}


def made_up_table(
    scale: Scale, n_molecules: int, fields: Mapping[str, str] | None = None
) -> MoleculeTable:
    """Return made-up molecules whose multipoles, e and bohr, are those of :data:`CHARGE_OF`.

    ``fields`` are further ones, each with the name of the target that it is a label of. Raises
    :class:`NotMeasuredError` where that is none of the multipoles and charges.
    """
    molecules, dipoles, quadrupoles, charges = [], [], [], []
    for k, (species, angstrom) in enumerate(scale.molecules_of(n_molecules)):
        numbers = np.array(ELEMENTS, dtype=np.uint8)[species]
        positions = angstrom / BOHR_IN_ANGSTROM
        of_atoms = np.array([CHARGE_OF[int(number)] for number in numbers])
        of_atoms -= of_atoms.mean()
        relative = positions - centre_of_nuclear_charge(numbers, positions)
        molecules.append(Molecule(f"m{k:05d}", numbers, positions))
        dipoles.append(dipole_terms(of_atoms, relative).sum(axis=0))
        quadrupoles.append(quadrupole_terms(of_atoms, relative).sum(axis=0))
        charges.append(of_atoms)
    known = {
        "dipole": dipoles,
        "quadrupole": quadrupoles,
        "dipole_norm": [np.linalg.norm(dipole) for dipole in dipoles],
        "charges": charges,
    }
    labels = {"dipole": dipoles, "quadrupole": quadrupoles}
    for field, target in (fields or {}).items():
        if target not in known:
            raise NotMeasuredError(f"made-up molecules have no {target}")
        labels.setdefault(field, known[target])
    assert labels.keys() <= FIELDS.keys()
    return MoleculeTable.from_molecules(molecules, labels)


def make_trainer(
    table: MoleculeTable,
    row: Mapping[str, Any],
    scale: Scale,
    precision: str = "float32",
    *,
    batch: int | None = None,
    recorded: bool = True,
) -> Trainer:
    """Return the trainer of the workflow; a batch is the whole table where it is not given."""
    model = make_model(row, scale, precision)
    fields = {name: name for name in WEIGHTS}
    task = MultipoleTask(model, (table, table.select([0])), fields)
    settings = TrainingSettings.from_config(
        {
            **{"steps": _NO_END, "validation_interval": scale.steps},
            **{"batch_size": batch or len(table), "learning_rate": 1e-4, "adam_epsilon": 1e-7},
            **{"schedule": {"kind": "constant"}, "gradient_clip_norm": 0.01},
            **{"precision": precision, "device": "auto", "early_stopping_patience": None},
        }
    )
    return Trainer(model, task, settings, SEED, recorded=recorded)


def make_model(row: Mapping[str, Any], scale: Scale, precision: str) -> MultipoleModel:
    """Return a model of charges with a row's network, on the device, its weights drawn."""
    settings = {**scale.network(row), "elements": ELEMENTS, "outputs": VARIANT.outputs}
    model = MultipoleModel(network_settings(settings), VARIANT)
    draw_weights(model.network, SEED)
    return model.to(scale.device, torch.float64 if precision == "float64" else torch.float32)


@contextlib.contextmanager
def products_in(precision: str) -> Iterator[None]:
    """Let PyTorch and our kernels take products of float32 as a precision of trainings says."""
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision("highest")


def seconds_of(work: Callable[[], object], scale: Scale, calls: int = 1) -> float:
    """Return the seconds of one call of something, after a warm-up of so many ``calls``.

    The device is waited for at the end, not between calls.
    """
    for _ in range(calls):
        work()
    wait_for(scale.device)
    start, done = time.perf_counter(), 0
    while not done or time.perf_counter() - start < scale.timing_s:
        for _ in range(calls):
            work()
        done += calls
        wait_for(scale.device)
    return (time.perf_counter() - start) / done


def wait_for(device: str) -> None:
    """Wait until the device has done all it was asked for."""
    if device == "cuda":
        torch.cuda.synchronize()

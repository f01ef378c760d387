"""Batches with padding: the same loss and gradient, from shapes known before."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from mepflow.models.device_data import DeviceDataset
from mepflow.models.multipole_model import MultipoleModel
from mepflow.models.variants import Variant
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.nn.pinet2 import native
from mepflow.nn.pinet2.pinet2_settings import PiNet2Settings
from mepflow.training.labels import LabelledSet, Labels, label_fields
from mepflow.training.multipole_task import MultipoleTask
from mepflow.training.padding import Capacity, capacity_for, padded_batch
from mepflow.training.potential_labels import PotentialLabels
from mepflow.training.trainer import Trainer
from mepflow.training.training_settings import TrainingSettings
from training_case import with_potential

ELEMENTS = (1, 6, 8)


@pytest.fixture(
    params=[
        {"dipole": 1.0, "quadrupole": 1.0},
        {"dipole_norm": 1.0, "charges": 10.0},
        {"dipole": 1.0, "charges": 1.0},
        {"dipole": 1.0, "mep": 0.1},
    ],
    ids=lambda weights: "+".join(weights),
)
def make_trainer(
    request: pytest.FixtureRequest,
    table: MoleculeTable,
    network: dict[str, Any],
    training: dict[str, Any],
    variant: Variant,
) -> Callable[[], Trainer]:
    row = variant.row() | {"loss_weights": request.param}
    if "charges" in request.param:
        row["charges_like"] = "mulliken"
    if "mep" in request.param:
        row["mep_grids"] = ["mk"]
    learning = Variant.from_row("X", row)
    table = with_gaps(table)

    def make() -> Trainer:
        settings = PiNet2Settings.from_dict(
            {**network, "elements": ELEMENTS, "outputs": variant.outputs}
        )
        torch.manual_seed(3)
        model = MultipoleModel(settings, learning).double()
        fields = label_fields(table, learning, Path("a table"))
        task = MultipoleTask(model, (table, table), fields)
        return Trainer(model, task, TrainingSettings.from_config(training), 1)

    return make


def with_gaps(table: MoleculeTable) -> MoleculeTable:
    """Return the table with charges, and without some of its labels."""
    rng = np.random.default_rng(8)
    charges = rng.normal(size=len(table.positions))
    charges[rng.random(len(charges)) < 0.3] = np.nan
    dipole = table.properties["dipole"].copy()
    dipole[[3, 10]] = np.nan
    return with_potential(table.with_properties(mulliken_charges=charges, dipole=dipole))


# Molecules 0, 6 and 12 are single atoms, without a pair.
@pytest.mark.parametrize("rows", [[0], [0, 6, 12], [5, 17, 4], [4, 4, 1], list(range(18))])
def test_a_padded_batch_begins_as_the_batch_and_ends_as_a_stranger(
    table: MoleculeTable, rows: list[int]
) -> None:
    dataset = DeviceDataset.from_table(table, ELEMENTS, 3.0)
    molecules = np.array(rows)
    batch = dataset.batch(molecules)
    capacity = capacity_for(dataset, molecules)
    padded = padded_batch(dataset, torch.from_numpy(molecules), capacity)
    graph, n_atoms, n_pairs = padded.graph, len(batch.positions), len(batch.graph.pair_i)
    assert (len(graph.species), len(graph.pair_i)) == capacity
    assert n_atoms < capacity.atoms
    assert n_pairs <= capacity.pairs
    assert graph.n_molecules == len(rows) + 1
    for name, values in vars(batch.graph).items():
        if isinstance(values, torch.Tensor):
            assert torch.equal(getattr(graph, name)[: len(values)], values), name
    assert torch.equal(padded.positions[:n_atoms], batch.positions)
    assert (graph.molecule[n_atoms:] == len(rows)).all()
    assert (graph.species[n_atoms:] == -1).all()
    assert torch.equal(graph.pair_i[n_pairs:], graph.pair_j[n_pairs:])
    assert (graph.pair_i[n_pairs:] >= n_atoms).all()
    assert (graph.pair_i.diff() >= 0).all()
    shares = torch.bincount(graph.pair_i[n_pairs:] - n_atoms, minlength=capacity.atoms - n_atoms)
    assert shares.max() - shares.min() <= 1


def test_capacities_are_few_and_close() -> None:
    rng = np.random.default_rng(1)
    table = MoleculeTable.from_molecules(list(random_molecules(rng, 300)))
    dataset = DeviceDataset.from_table(table, ELEMENTS, 3.0)
    found: list[Capacity] = []
    for _ in range(200):
        molecules = rng.choice(300, 64, replace=False)
        found.append(capacity_for(dataset, molecules))
        assert found[-1].atoms <= 1.15 * dataset.atoms.total(molecules)
    assert len(set(found)) <= 12


def random_molecules(rng: np.random.Generator, number: int) -> Iterator[Molecule]:
    for index in range(number):
        n_atoms = int(rng.integers(5, 15))
        positions = 2.0 * np.stack(np.unravel_index(np.arange(n_atoms), (3, 3, 2)), axis=1)
        yield Molecule(f"m{index}", np.full(n_atoms, 6, dtype=np.uint8), positions)


def test_a_training_on_padded_batches_is_the_same(make_trainer: Callable[[], Trainer]) -> None:
    plain, padded = make_trainer(), make_trainer()
    for step in range(30):
        plain.step = padded.step = step
        molecules = padded._molecules_of(step)
        expected = plain._train_step()
        padded._optimizer.begin_step(padded.settings.learning_rate_at(step))
        capacity = padded.task.capacity(molecules)
        found = padded._padded_step(torch.from_numpy(molecules), capacity)
        assert math.isclose(found.item(), expected.item(), rel_tol=1e-9)
    torch.testing.assert_close(padded._weights.values, plain._weights.values, rtol=0, atol=1e-9)


class Operations(TorchDispatchMode):
    """Notes PyTorch's operations."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        self.names.add(function.overloadpacket.__name__)
        return function(*args, **(kwargs or {}))


def test_a_step_takes_no_numbers_from_the_host(make_trainer: Callable[[], Trainer]) -> None:
    # A recording would repeat the copy from memory that somebody else has by then.
    trainer = make_trainer()
    trainer._optimizer.begin_step(1e-3)
    molecules = trainer._molecules_of(0)
    capacity = trainer.task.capacity(molecules)
    rows = torch.from_numpy(molecules)
    with native.switched_off(), Operations() as seen:
        trainer._padded_step(rows, capacity)
    assert "mm" in seen.names
    copies = {"lift_fresh", "scalar_tensor", "_local_scalar_dense", "nonzero", "repeat_interleave"}
    assert not copies & seen.names


def test_a_step_never_waits_for_the_device(
    make_trainer: Callable[[], Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    # On "meta" tensors have shapes and no values: what asks for a value, or for a shape that
    # depends on one, fails. A recording on a GPU would.
    trainer = make_trainer()
    meta = torch.device("meta")
    task = trainer.task
    assert isinstance(task, MultipoleTask)
    dataset = task.train.molecules
    for name, tensor in vars(dataset.inputs).items():
        object.__setattr__(dataset.inputs, name, tensor.to(meta))
    for runs in (dataset.atoms, dataset.pairs):
        object.__setattr__(runs, "start", runs.start.to(meta))
        object.__setattr__(runs, "length", runs.length.to(meta))
    labels = {
        name: Labels(values.to(meta), None if known is None else known.to(meta))
        for name, (values, known) in task.train.labels.items()
    }
    potential = task.train.potential
    if potential is not None:
        potential = PotentialLabels(*(tensor.to(meta) for tensor in potential))
    task.train = LabelledSet(dataset, labels, potential)
    dataset.device = task.device = meta
    monkeypatch.setattr(Trainer, "_copied_state", lambda _: {})
    on_meta = Trainer(trainer.model.to(meta), task, trainer.settings, 1)
    on_meta._device = torch.device("cpu")  # autocast knows no other one here
    on_meta._optimizer.begin_step(1e-3)
    loss = on_meta._padded_step(torch.zeros(4, dtype=torch.int64, device=meta), Capacity(30, 90))
    assert loss.device == meta
    with pytest.raises((RuntimeError, NotImplementedError)):
        loss.item()

"""What multipole models learn: gradients of every target, and what a target cannot see."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mepflow.models.multipole_model import Batch, MultipoleModel, Multipoles
from mepflow.models.targets import TARGETS, TASKS
from mepflow.models.variants import Variant
from mepflow.molecules import MoleculeTable
from mepflow.multipoles import components, dipole_terms
from mepflow.nn.graph import build_graph
from mepflow.nn.networks import draw_weights, network_settings
from mepflow.training import multipole_task
from mepflow.training.labels import LabelledBatch, Labels, label_fields
from mepflow.training.loss import weighted_loss
from mepflow.training.multipole_task import MultipoleTask, residuals
from training_case import with_potential

MULTIPOLES = [name for name, target in TARGETS.items() if target.task == "multipoles"]
SOURCE = Path("a table")


def variant_of(weights: dict[str, float]) -> Variant:
    row: dict[str, Any] = {
        "atomic_terms": ["charges", "dipoles"],
        "loss_weights": weights,
        "quadrupole_from": "all",
    }
    if "charges" in weights:
        row["charges_like"] = "mulliken"
    if "mep" in weights:
        row["mep_grids"] = ["mk"]
    return Variant.from_row("X", row)


@pytest.fixture
def with_charges(table: MoleculeTable) -> MoleculeTable:
    charges = np.random.default_rng(1).normal(size=len(table.positions))
    return with_potential(table.with_properties(mulliken_charges=charges))


def make_task(
    table: MoleculeTable, network: dict[str, Any], weights: dict[str, float]
) -> tuple[MultipoleModel, MultipoleTask]:
    variant = variant_of(weights)
    settings = network_settings({**network, "elements": (1, 6, 8), "outputs": variant.outputs})
    model = MultipoleModel(settings, variant).double()
    draw_weights(model.network, 3)
    return model, MultipoleTask(model, (table, table), label_fields(table, variant, SOURCE))


def test_every_target_of_the_task_has_a_prediction() -> None:
    assert TASKS["multipoles"] == multipole_task.__name__
    assert {*multipole_task._PREDICTED, "mep"} == set(MULTIPOLES)


@pytest.mark.parametrize("target", MULTIPOLES)
def test_the_gradient_of_a_loss_is_its_slope(
    with_charges: MoleculeTable, network: dict[str, Any], target: str
) -> None:
    model, task = make_task(with_charges, network, {target: 3.0})
    batch = task.batch(np.array([4, 10, 17]))

    def loss() -> Tensor:
        return task.loss(task.errors(model, batch))

    weights = max(model.parameters(), key=torch.numel)
    (gradient,) = torch.autograd.grad(loss(), weights)
    place = divmod(int(gradient.abs().argmax()), gradient.shape[1])
    step = 1e-5
    values = []
    with torch.no_grad():
        for sign in (1, -1):
            weights[place] += sign * step
            values.append(loss().item())
            weights[place] -= sign * step
    slope = (values[0] - values[1]) / (2 * step)
    assert abs(slope) > 1e-6
    assert gradient[place].item() == pytest.approx(slope, rel=1e-6)


def test_the_length_of_no_dipole_has_the_gradient_0() -> None:
    # Methane: a charge on each corner of a tetrahedron, and the opposite in its centre.
    corners = torch.tensor([[0.0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]).double()
    charges = torch.tensor([-0.4, 0.1, 0.1, 0.1, 0.1]).double().requires_grad_()
    dipole = dipole_terms(charges, corners).sum(0, keepdim=True)
    assert dipole.tolist() == [[0.0, 0.0, 0.0]]
    found = Multipoles(charges, None, dipole, torch.zeros(1, 3, 3))
    batch = labelled(dipole_norm=Labels(torch.full((1, 1), 0.5).double(), None))
    loss = weighted_loss(residuals(found, batch), {"dipole_norm": 1.0})
    assert loss.item() == 0.25
    (gradient,) = torch.autograd.grad(loss, charges)
    assert gradient.tolist() == [0.0] * 5


def labelled(**labels: Labels) -> LabelledBatch:
    graph = build_graph([(np.zeros(5, dtype=np.int64), np.eye(5, 3))], 3.0)
    return LabelledBatch(Batch(graph, torch.zeros(5, 3), torch.zeros(1)), labels)


def test_lengths_do_not_see_the_sign_of_all_charges_and_charges_do() -> None:
    rng = torch.Generator().manual_seed(1)
    x = torch.randn(5, 3, generator=rng)
    q, labels = torch.randn(5, generator=rng), torch.randn(5, 1, generator=rng)
    losses = {}
    for sign in (1, -1):
        dipole = dipole_terms(sign * q, x).sum(0, keepdim=True)
        found = Multipoles(sign * q, None, dipole, torch.zeros(1, 3, 3))
        batch = labelled(dipole_norm=Labels(torch.ones(1, 1), None), charges=Labels(labels, None))
        errors = residuals(found, batch)
        losses[sign] = [
            weighted_loss(errors, {name: 1.0}).item() for name in ("dipole_norm", "charges")
        ]
    assert losses[1][0] == losses[-1][0]
    assert losses[1][1] != pytest.approx(losses[-1][1], rel=0.01)


def test_residuals_compare_the_six_stored_components() -> None:
    full = torch.arange(9.0).reshape(1, 3, 3)
    found = Multipoles(torch.empty(0), None, torch.ones(1, 3), full + full.mT)
    errors = residuals(found, labelled(quadrupole=Labels(torch.zeros(1, 6), None)))
    expected = [[0.0, 8.0, 16.0, 4.0, 8.0, 12.0]]  # xx yy zz xy xz yz
    assert errors["quadrupole"].values.tolist() == expected == components(full + full.mT).tolist()


def test_only_learned_targets_are_compared_in_a_step(
    with_charges: MoleculeTable, network: dict[str, Any]
) -> None:
    model, task = make_task(with_charges, network, {"charges": 1.0})
    assert list(task.errors(model, task.batch(np.array([1, 2])))) == ["charges"]
    (whole,) = task.validation_batches()
    assert list(task.errors(model, whole)) == ["dipole", "quadrupole", "charges"]

"""Learning energies and forces: gradients of a loss on forces, and trainings from files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from energy_cases import NETWORKS, UNITS, energy_model, energy_table, energy_variant
from mepflow.errors import ConfigError, MepflowError
from mepflow.models.energy_model import EnergyModel
from mepflow.models.energy_units import fitted_units
from mepflow.models.model_file import load_model
from mepflow.models.predict import predict_table
from mepflow.nn.pinet2 import native
from mepflow.training import trainer
from mepflow.training.energy_task import EnergyTask, plain_layers
from mepflow.training.multipole_task import MultipoleTask
from mepflow.training.padding import Capacity
from mepflow.training.run import train
from mepflow.training.training_settings import TrainingSettings
from training_case import TRAINING

FIELDS = {
    "energy": "energy",
    "forces": "archive_gradient",
    "dipole": "dipole",
    "quadrupole": "quadrupole",
}
MAE = TRAINING | {
    "loss": "absolute",
    "optimizer": "amsgrad",
    "weight_average": 0.9,
    "gradient_clip_norm": None,
    "adam_epsilon": 1.0e-3,
}


def task_of(model: EnergyModel, **changes: Any) -> EnergyTask:
    table = energy_table()
    settings = TrainingSettings.from_config(TRAINING | changes)
    return EnergyTask(model, (table, table), FIELDS, "the table", settings)


def loss_and_gradient(task: EnergyTask, model: EnergyModel) -> tuple[float, torch.Tensor]:
    errors = task.errors(model, task.batch(np.arange(6)))
    loss = task.loss(errors)
    pieces = torch.autograd.grad(loss, list(model.parameters()), materialize_grads=True)
    return float(loss.detach()), torch.cat([piece.reshape(-1) for piece in pieces])


@pytest.mark.parametrize("network", NETWORKS)
def test_the_exact_gradient_is_the_slope_of_the_loss(network: str) -> None:
    model = energy_model(network, electrostatics=True)
    task = task_of(model)
    _, gradient = loss_and_gradient(task, model)
    rng = torch.Generator().manual_seed(1)
    step, slope, start = 1e-5, 0.0, 0
    for weights in model.parameters():
        direction = torch.randn(weights.shape, generator=rng, dtype=torch.float64)
        slope += float(gradient[start : start + weights.numel()] @ direction.reshape(-1))
        start += weights.numel()
        weights.data += step * direction
        weights.shift = direction  # type: ignore[attr-defined]
    ahead, _ = loss_and_gradient(task, model)
    for weights in model.parameters():
        weights.data -= 2 * step * weights.shift  # type: ignore[attr-defined]
    behind, _ = loss_and_gradient(task, model)
    assert slope == pytest.approx((ahead - behind) / (2 * step), rel=1e-6)


@pytest.mark.parametrize("loss", ["squared", "absolute"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-5), (torch.float32, 3e-3)])
@pytest.mark.parametrize("network", ["physnet", "pinet2"])
def test_differences_of_first_derivatives_give_the_same_gradient(
    network: str, dtype: torch.dtype, tolerance: float, loss: str
) -> None:
    model = energy_model(network, electrostatics=True).to(dtype)
    losses, gradients = zip(
        *(
            loss_and_gradient(task_of(model, force_gradient=how, loss=loss), model)
            for how in ("exact", "differences")
        ),
        strict=True,
    )
    assert losses[0] == pytest.approx(losses[1], rel=tolerance / 10)
    error = (gradients[0] - gradients[1]).norm() / gradients[0].norm()
    assert float(error) < tolerance


def test_differences_take_the_fast_kernels_and_exact_gradients_the_plain_layers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not native.usable(torch.zeros(1)):
        pytest.skip("no C++ compiler here")
    calls: list[str] = []
    call = native.call
    monkeypatch.setattr(native, "call", lambda name, *rest: (calls.append(name), call(name, *rest)))
    model = energy_model("pinet2", electrostatics=False)
    loss_and_gradient(task_of(model, force_gradient="exact"), model)
    assert not calls
    loss_and_gradient(task_of(model, force_gradient="differences"), model)
    # Charges and energies are a pass each; of the energies there are three, and the forces.
    assert calls.count("forward") == 6
    assert calls.count("backward") >= 4


@pytest.mark.parametrize(("learns", "is_recorded"), [("energy", False), ("dipole", True)])
def test_steps_with_energies_are_never_recorded_on_a_gpu(
    learns: str, is_recorded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = energy_model("pinet2", electrostatics=True)
    make_task = EnergyTask if learns == "energy" else MultipoleTask
    table, settings = energy_table(), TrainingSettings.from_config(TRAINING)
    task = make_task(model, (table, table), FIELDS, "the table", settings)
    recordings: list[Any] = []
    monkeypatch.setattr(trainer, "CapturedSteps", lambda *of: recordings.append(of))
    task.device = torch.device("cuda")  # the trainer decides by it, before anything runs there
    trainer.Trainer(model, task, settings, seed=1)
    assert bool(recordings) == is_recorded
    if not is_recorded:
        with pytest.raises(MepflowError, match=r"test-EFD, which learns energies or forces, can"):
            task.padded_batch(torch.arange(2), Capacity(20, 100))


def test_units_are_fitted_to_the_training_molecules() -> None:
    table = energy_table()
    counts = np.array(
        [[(table.molecule(k).atomic_numbers == z).sum() for z in (1, 6, 8)] for k in range(14)]
    )
    exact = counts @ np.array([-0.5, -37.8, -75.0])
    forces = np.full((5, 3), 0.02)
    forces[1] = np.nan
    units = fitted_units(exact, forces, counts.astype(float), [1, 6, 8])
    assert units.references == pytest.approx({1: -0.5, 6: -37.8, 8: -75.0}, abs=1e-10)
    assert units.scale == pytest.approx(0.02)
    spread = np.where(np.arange(14) % 2, 0.01, -0.01) * counts.sum(axis=1)
    left = fitted_units(exact + spread, None, counts.astype(float), [1, 6, 8])
    assert 0.005 < left.scale < 0.01


def test_references_of_the_settings_take_the_place_of_the_fit() -> None:
    model = energy_model("physnet", electrostatics=False)
    free = {"H": -0.4, "C": -37.0, "O": -74.0}
    task = task_of(model, energy_references=free)
    assert model.units.references == {1: -0.4, 6: -37.0, 8: -74.0}
    assert model.units.to_dict()["reference_energies_hartree"] == free
    table = energy_table()
    left = table.properties["energy"] - [
        sum(model.units.references[int(z)] for z in table.molecule(k).atomic_numbers)
        for k in range(len(table))
    ]
    np.testing.assert_allclose(task.train.labels["energy"].values[:, 0].numpy(), left, atol=1e-12)
    with pytest.raises(ConfigError, match="energy_references has no C, O"):
        task_of(model, energy_references={"H": -0.5})


def test_energies_less_references_keep_their_digits_in_single_precision() -> None:
    model = energy_model("physnet", electrostatics=False).float()
    task = task_of(model)
    (energies, known) = task.train.labels["energy"]
    assert energies.dtype == torch.float64
    assert known is not None
    assert bool(known.all())
    assert float(energies.abs().max()) < 1.0
    table = energy_table()
    back = energies[:, 0].numpy() + [
        sum(model.units.references[int(z)] for z in table.molecule(k).atomic_numbers)
        for k in range(len(table))
    ]
    np.testing.assert_allclose(back, table.properties["energy"], rtol=0, atol=1e-11)


def test_with_plain_layers_alone_inside() -> None:
    with plain_layers():
        assert not native.usable(torch.zeros(1))


@pytest.fixture
def energy_paths(tmp_path: Path) -> dict[str, Path]:
    table = energy_table()
    table.save(tmp_path / "reference.h5")
    sets = ["test"] * 2 + ["validation"] * 4 + ["train"] * 8
    rows = [f"{name},{split},0" for name, split in zip(table.ids, sets, strict=True)]
    (tmp_path / "splits.csv").write_text("\n".join(["id,split,showcase", *rows, ""]))
    return {
        "reference": tmp_path / "reference.h5",
        "splits": tmp_path / "splits.csv",
        "state_folder": tmp_path / "state",
        "model_path": tmp_path / "model.pt",
        "log_path": tmp_path / "training.csv",
    }


@pytest.mark.parametrize(
    ("network", "how"), [("physnet", "exact"), ("pinet2", "exact"), ("pinet2", "differences")]
)
def test_a_training_learns_goes_on_with_the_same_bits_and_keeps_its_units(
    energy_paths: dict[str, Path], network: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = {"energy": 30.0, "forces": 300.0, "dipole": 3.0}  # eV: Adam's epsilon counts
    variant = energy_variant(electrostatics=True, loss_weights=weights)
    settings: dict[str, Any] = {
        "variant": variant,
        "network": NETWORKS[network],
        "training": MAE | {"force_gradient": how, "steps": 40, "learning_rate": 5e-3},
        "seed": 1,
    }
    whole = energy_paths | {
        name: energy_paths[name].with_suffix(".whole")
        for name in ("state_folder", "model_path", "log_path")
    }
    train(**whole, **settings)
    log = np.genfromtxt(whole["log_path"], delimiter=",", names=True)
    assert log["train_loss"][-1] < 0.8 * log["train_loss"][0]
    assert np.isfinite(log["validation_forces_rmse_hartree_per_bohr"]).all()

    import mepflow.training.run as running

    report, seen = running._report, []

    def stop(*arguments: Any) -> None:
        report(*arguments)
        seen.append(None)
        if len(seen) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(running, "_report", stop)
    with pytest.raises(KeyboardInterrupt):
        train(**energy_paths, **settings)
    monkeypatch.setattr(running, "_report", report)
    train(**energy_paths, **settings)
    one, other = (
        torch.load(paths["model_path"], weights_only=True) for paths in (whole, energy_paths)
    )
    assert all(torch.equal(values, other["state"][k]) for k, values in one["state"].items())
    assert one["constants"] == other["constants"]

    model, _ = load_model(energy_paths["model_path"], "cpu")
    assert isinstance(model, EnergyModel)
    assert model.units.scale < 0.05
    table = energy_table()
    found = predict_table(model, table).properties
    off = np.abs(found["energy"] - table.properties["energy"]).mean()
    assert off < 0.05 * np.abs(table.properties["energy"] - table.properties["energy"].mean()).max()
    assert found["forces"].shape == table.positions.shape
    assert UNITS.references.keys() == model.units.references.keys()

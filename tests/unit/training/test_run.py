"""A training from files to files: what it writes, and that nothing is lost when it is stopped."""

import csv
import json
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import mepflow
from mepflow.electrostatics.atomic_terms import molecular_multipoles, predicted_terms
from mepflow.errors import ConfigError, InputError, MepflowError, StateError
from mepflow.models.predict import predict
from mepflow.models.variants import Variant
from mepflow.molecules import MoleculeTable
from mepflow.training.fitted_labels import with_fitted_charges
from mepflow.training.run import train
from mepflow.training.trainer import Trainer
from training_case import CHARGE_OF, with_potential

PROGRAM = """
import json, sys
from pathlib import Path
from mepflow.training.run import train
from mepflow.models.variants import Variant
from mepflow.molecules import MoleculeTable

given = json.loads(sys.argv[1])
paths = {name: Path(path) for name, path in given["paths"].items()}
variant = Variant.from_row(given["name"], given["row"])
train(**paths, variant=variant, network=given["network"], training=given["training"], seed=7)
"""


def state_of(path: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(path, weights_only=True)["state"]
    return state


def same_bits(first: Path, second: Path) -> bool:
    one, other = state_of(first), state_of(second)
    return list(one) == list(other) and all(torch.equal(one[name], other[name]) for name in one)


def log_of(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def without_time(path: Path) -> list[dict[str, str]]:
    return [{k: v for k, v in row.items() if k != "wall_time_s"} for row in log_of(path)]


def interrupt_after(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """Let the next training end in a :class:`KeyboardInterrupt` after some steps."""
    whole_step = Trainer._train_step
    left = iter(range(steps))

    def step(trainer: Trainer) -> torch.Tensor:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return whole_step(trainer)

    monkeypatch.setattr(Trainer, "_train_step", step)


def test_it_learns_and_says_so(
    paths: dict[str, Path],
    network: dict[str, Any],
    training: dict[str, Any],
    variant: Variant,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    training["steps"] = 205
    train(**paths, variant=variant, network=network, training=training, seed=1)
    rows = log_of(paths["log_path"])
    assert list(rows[0]) == [
        *("step", "epoch", "learning_rate", "train_loss", "validation_loss"),
        *("validation_dipole_mae_e_bohr", "validation_dipole_rmse_e_bohr"),
        *("validation_quadrupole_mae_e_bohr2", "validation_quadrupole_rmse_e_bohr2"),
        "wall_time_s",
    ]
    assert [int(row["step"]) for row in rows] == [*range(10, 210, 10), 205]
    assert float(rows[-1]["epoch"]) == pytest.approx(205 * 4 / 10)
    losses = [float(row["validation_loss"]) for row in rows]
    assert min(losses) < 0.2 * losses[0]
    assert float(rows[-1]["train_loss"]) < 0.2 * float(rows[0]["train_loss"])
    assert "step 10/205, epoch 4.0: loss" in caplog.text
    content = torch.load(paths["model_path"], weights_only=True)
    best = min(rows, key=lambda row: float(row["validation_loss"]))
    assert content["elements"] == [1, 6, 8]
    assert content["provenance"] == {
        "seed": 1,
        "step": int(best["step"]),
        "validation_loss": float(best["validation_loss"]),
        "train_molecules": 10,
        "validation_molecules": 4,
        # Rows 8 to 17 of the table: 3, 4, 5, 6, 1, 2, 3, 4, 5 and 6 atoms of C, H, O, H, C, H.
        "domain": {
            "molecules": 10,
            "atoms": [1, 6],
            "elements": {"H": 9, "C": 10, "O": 8},
            "total_charges": [0],
        },
    }


def test_lengths_and_charges_can_be_learned_and_labels_may_be_missing(
    paths: dict[str, Path],
    table: MoleculeTable,
    network: dict[str, Any],
    training: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    charges = np.array([CHARGE_OF[int(z)] for z in table.atomic_numbers])
    for row in range(len(table)):
        charges[table.atoms(row)] -= charges[table.atoms(row)].mean()
    charges[table.atoms(17)] = np.nan
    table.with_properties(archive_mulliken_charges=charges).save(paths["reference"])
    row = {
        "atomic_terms": ["charges"],
        "loss_weights": {"dipole_norm": 1.0, "charges": 10.0},
        "charges_like": "mulliken",
        "quadrupole_from": "charges",
    }
    training["steps"] = 200
    variant = Variant.from_row("AC-N-M", row)
    train(**paths, variant=variant, network=network, training=training, seed=1)
    assert "train: 1 of 10 molecules have no archive_mulliken_charges" in caplog.text
    first, *_, last = log_of(paths["log_path"])
    for column in ("validation_dipole_norm_rmse_e_bohr", "validation_charges_rmse_e"):
        assert float(last[column]) < 0.5 * float(first[column]), column
    losses = [float(entry["validation_loss"]) for entry in log_of(paths["log_path"])]
    squares = [
        float(entry["validation_dipole_norm_rmse_e_bohr"]) ** 2
        for entry in log_of(paths["log_path"])
    ]
    assert losses == pytest.approx(squares, rel=1e-12)  # the charges do not choose the step
    content = torch.load(paths["model_path"], weights_only=True)
    assert content["provenance"]["validation_loss"] == min(losses)
    assert content["variant"] == {"name": "AC-N-M", **row}
    assert content["training"]["steps"] == 200
    assert "device" not in content["training"]


def test_charges_fitted_to_the_potential_can_be_learned(
    paths: dict[str, Path],
    table: MoleculeTable,
    network: dict[str, Any],
    training: dict[str, Any],
) -> None:
    whole = with_potential(table)
    fitted = with_fitted_charges(whole, ["mk"]).properties["atomic_charges"]
    for row in range(len(whole)):
        points, values = whole.grids["mk"].of(row)
        atoms = whole.atoms(row)
        inverse = 1.0 / np.linalg.norm(points[:, None] - whole.positions[atoms], axis=2)
        errors = values - inverse @ fitted[atoms]
        assert fitted[atoms].sum() == pytest.approx(whole.total_charge[row], abs=1e-12)
        # The gradient of a least-squares fit with a fixed sum is the same for every charge.
        gradient = inverse.T @ errors
        assert gradient - gradient.mean() == pytest.approx(0.0, abs=1e-9 * np.abs(inverse).sum())
    whole.save(paths["reference"])
    variant = Variant.from_row(
        "AC-F",
        {
            "atomic_terms": ["charges"],
            "loss_weights": {"charges": 1.0},
            "charges_like": "fitted",
            "mep_grids": ["mk"],
            "quadrupole_from": "charges",
        },
    )
    training["steps"] = 200
    train(**paths, variant=variant, network=network, training=training, seed=1)
    first, *_, last = log_of(paths["log_path"])
    column = "validation_charges_rmse_e"
    assert float(last[column]) < 0.5 * float(first[column])


def test_the_potential_can_be_learned(
    paths: dict[str, Path],
    table: MoleculeTable,
    network: dict[str, Any],
    training: dict[str, Any],
) -> None:
    with_potential(table).save(paths["reference"])
    row = {
        "atomic_terms": ["charges"],
        "loss_weights": {"mep": 1.0},
        "quadrupole_from": "charges",
        "mep_grids": ["mk"],
    }
    training |= {"steps": 200, "gradient_clip_norm": None}
    variant = Variant.from_row("AC-M", row)
    train(**paths, variant=variant, network=network, training=training, seed=1)
    first, *_, last = log_of(paths["log_path"])
    for column in ("validation_mep_rmse_kcal_per_mol_e", "validation_dipole_rmse_e_bohr"):
        assert float(last[column]) < 0.5 * float(first[column]), column
    assert torch.load(paths["model_path"], weights_only=True)["variant"] == {"name": "AC-M", **row}


@pytest.mark.parametrize("learned", ["quadrupole", "mep"])
def test_atomic_quadrupoles_are_learned_and_give_the_predicted_multipoles(
    paths: dict[str, Path],
    table: MoleculeTable,
    network: dict[str, Any],
    training: dict[str, Any],
    learned: str,
) -> None:
    with_potential(table).save(paths["reference"])
    row = {
        "atomic_terms": ["charges", "dipoles", "quadrupoles"],
        "loss_weights": {"dipole": 1.0, learned: 1.0},
        "quadrupole_from": "all",
        **({"mep_grids": ["mk"]} if learned == "mep" else {}),
    }
    variant = Variant.from_row("AC-AD-AQ", row)
    train(**paths, variant=variant, network={**network, "rank": 5}, training=training, seed=1)
    losses = [float(line["validation_loss"]) for line in log_of(paths["log_path"])]
    assert losses[-1] < 0.9 * losses[0]
    output = paths["log_path"].with_name("predictions.h5")
    predict(paths["model_path"], table, output, "cpu", source=paths["reference"])
    found = MoleculeTable.load(output)
    assert np.abs(found.properties["atomic_quadrupoles"]).max() > 1e-3
    for index in range(len(found)):
        moments = molecular_multipoles(found.molecule(index), predicted_terms(found, index))
        for name, value in zip(("dipole", "quadrupole"), moments, strict=True):
            np.testing.assert_allclose(found.property_of(name, index), value, atol=2e-5)


def test_the_seed_decides(
    paths: dict[str, Path], network: dict[str, Any], training: dict[str, Any], variant: Variant
) -> None:
    models = []
    for index, seed in enumerate((1, 1, 2)):
        models.append(paths["model_path"].with_name(f"{index}.pt"))
        outputs = {"model_path": models[-1], "state_folder": paths["state_folder"] / str(index)}
        train(**paths | outputs, variant=variant, network=network, training=training, seed=seed)
    assert same_bits(models[0], models[1])
    assert not same_bits(models[0], models[2])


def test_the_best_model_is_kept_not_the_last(
    paths: dict[str, Path], network: dict[str, Any], training: dict[str, Any], variant: Variant
) -> None:
    # A rate that grows a hundredfold per validation spoils in the end what was learned.
    training |= {"learning_rate": 1e-4, "gradient_clip_norm": None}
    training["schedule"] = {"kind": "exponential", "factor": 100.0, "every": 10}
    train(**paths, variant=variant, network=network, training=training, seed=1)
    losses = [float(row["validation_loss"]) for row in log_of(paths["log_path"])]
    assert losses[-1] > 2 * min(losses)
    content = torch.load(paths["model_path"], weights_only=True)
    assert content["provenance"]["validation_loss"] == min(losses)
    last = torch.load(paths["state_folder"] / "checkpoint.pt", weights_only=True)
    assert all(torch.equal(last["best_model"][k], v) for k, v in content["state"].items())
    assert not all(torch.equal(last["model"][k], v) for k, v in content["state"].items())


@pytest.mark.parametrize("precision", ["float32", "float64", "bf16"])
def test_an_interrupted_training_ends_with_the_same_bits(
    paths: dict[str, Path],
    network: dict[str, Any],
    training: dict[str, Any],
    variant: Variant,
    monkeypatch: pytest.MonkeyPatch,
    precision: str,
) -> None:
    training["precision"] = precision
    job = {"variant": variant, "network": network, "training": training, "seed": 7}
    whole = {name: path.with_name(f"whole-{path.name}") for name, path in paths.items()}
    whole |= {name: paths[name] for name in ("reference", "splits")}
    train(**whole, **job)
    with monkeypatch.context() as patch:
        interrupt_after(patch, 27)
        with pytest.raises(KeyboardInterrupt):
            train(**paths, **job)
    assert not paths["model_path"].exists()
    assert [int(row["step"]) for row in log_of(paths["log_path"])] == [10, 20]
    torch.manual_seed(99)  # whatever the next process starts with
    train(**paths, **job)
    assert same_bits(paths["model_path"], whole["model_path"])
    assert without_time(paths["log_path"]) == without_time(whole["log_path"])
    expected = torch.float64 if precision == "float64" else torch.float32
    assert {values.dtype for values in state_of(paths["model_path"]).values()} == {expected}


def test_a_training_killed_for_real_ends_with_the_same_bits(
    paths: dict[str, Path], network: dict[str, Any], training: dict[str, Any], variant: Variant
) -> None:
    training |= {"steps": 120, "validation_interval": 5}
    job = {"variant": variant, "network": network, "training": training, "seed": 7}
    given = {
        "paths": {name: str(path) for name, path in paths.items()},
        "name": variant.name,
        "row": variant.row(),
        "network": network,
        "training": training,
    }
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, json.dumps(given)],
        env=os.environ | {"PYTHONPATH": str(Path(mepflow.__file__).parents[1])},
    )
    try:
        deadline = time.monotonic() + 120
        while not (paths["log_path"].exists() and len(log_of(paths["log_path"])) >= 3):
            assert process.poll() is None, "the training ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.002)
    finally:
        process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not paths["model_path"].exists()
    interrupted = torch.load(paths["state_folder"] / "checkpoint.pt", weights_only=True)
    assert 15 <= interrupted["step"] < 120
    train(**paths, **job)
    whole = {name: path.with_name(f"whole-{path.name}") for name, path in paths.items()}
    whole |= {name: paths[name] for name in ("reference", "splits")}
    train(**whole, **job)
    assert same_bits(paths["model_path"], whole["model_path"])
    assert without_time(paths["log_path"]) == without_time(whole["log_path"])


def test_a_finished_training_gives_its_files_again_without_a_step(
    paths: dict[str, Path],
    network: dict[str, Any],
    training: dict[str, Any],
    variant: Variant,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = {"variant": variant, "network": network, "training": training, "seed": 1}
    train(**paths, **job)
    rows, state = log_of(paths["log_path"]), state_of(paths["model_path"])
    paths["log_path"].unlink()
    paths["model_path"].unlink()
    interrupt_after(monkeypatch, 0)
    train(**paths, **job)
    assert log_of(paths["log_path"]) == rows
    assert all(torch.equal(v, state[k]) for k, v in state_of(paths["model_path"]).items())


@pytest.mark.parametrize(
    "change", ["learning_rate", "nodes", "seed", "variant", "code", "molecules", "labels"]
)
def test_a_state_of_something_else_is_refused(
    paths: dict[str, Path],
    network: dict[str, Any],
    training: dict[str, Any],
    variant: Variant,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:
    job: dict[str, Any] = {
        "variant": variant, "network": network, "training": training, "seed": 1
    }  # fmt: skip
    with monkeypatch.context() as patch:
        interrupt_after(patch, 15)
        with pytest.raises(KeyboardInterrupt):
            train(**paths, **job)
    before = (paths["state_folder"] / "checkpoint.pt").read_bytes()
    if change == "learning_rate":
        job["training"] = {**training, "learning_rate": 0.004}
    elif change == "nodes":
        job["network"] = {**network, "nodes": 5}
    elif change == "seed":
        job["seed"] = 2
    elif change == "code":
        job["code"] = "edited"
    elif change == "variant":
        weights = {"dipole": 100.0, "quadrupole": 1.0}
        job["variant"] = Variant.from_row(variant.name, {**variant.row(), "loss_weights": weights})
    elif change == "labels":
        table = MoleculeTable.load(paths["reference"])
        table.properties["quadrupole"][14] *= 2.0
        table.save(paths["reference"])
    else:
        text = paths["splits"].read_text()
        paths["splits"].write_text(text.replace("m10,train", "m10,test"))
    with pytest.raises(StateError, match=r"interrupted training \(step 10\) of another"):
        train(**paths, **job)
    assert (paths["state_folder"] / "checkpoint.pt").read_bytes() == before


def test_where_it_runs_is_no_other_configuration(
    paths: dict[str, Path],
    network: dict[str, Any],
    training: dict[str, Any],
    variant: Variant,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = {"variant": variant, "network": network, "seed": 1}
    with monkeypatch.context() as patch:
        interrupt_after(patch, 15)
        with pytest.raises(KeyboardInterrupt):
            train(**paths, **job, training=training)
    train(**paths, **job, training={**training, "device": "auto"})
    assert len(log_of(paths["log_path"])) == 4


def test_stops_early_when_validations_no_longer_improve(
    paths: dict[str, Path], network: dict[str, Any], training: dict[str, Any], variant: Variant
) -> None:
    # So small a rate changes nothing in float32: no validation is better than the first.
    training |= {"learning_rate": 1e-30, "early_stopping_patience": 2}
    train(**paths, variant=variant, network=network, training=training, seed=1)
    assert [int(row["step"]) for row in log_of(paths["log_path"])] == [10, 20, 30]
    assert torch.load(paths["model_path"], weights_only=True)["provenance"]["step"] == 10


def test_a_loss_that_is_not_finite_stops_at_once_and_keeps_the_last_checkpoint(
    paths: dict[str, Path], network: dict[str, Any], training: dict[str, Any], variant: Variant
) -> None:
    training |= {"gradient_clip_norm": None, "steps": 1000}
    training["schedule"] = {"kind": "exponential", "factor": 1e10, "every": 10}
    with pytest.raises(MepflowError) as error:
        train(**paths, variant=variant, network=network, training=training, seed=1)
    message = str(error.value)
    assert "AC-AD-DQ-c: the loss is inf at step" in message or "loss is nan at step" in message
    assert "molecules m" in message
    assert "\n" not in message
    step = int(message.split("at step ")[1].split(" ")[0])
    state = torch.load(paths["state_folder"] / "checkpoint.pt", weights_only=True)
    assert state["step"] == (step - 1) // 10 * 10
    assert all(torch.isfinite(values).all() for values in state["model"].values())
    assert not paths["model_path"].exists()


def test_bad_input_is_one_sentence(
    paths: dict[str, Path], network: dict[str, Any], training: dict[str, Any], variant: Variant
) -> None:
    job: dict[str, Any] = {"variant": variant, "network": network, "seed": 1}
    with pytest.raises(ConfigError, match=r"training\.steps is 0"):
        train(**paths, **job, training={**training, "steps": 0})
    with pytest.raises(InputError, match=r"nowhere\.h5 does not exist"):
        train(**{**paths, "reference": Path("nowhere.h5")}, **job, training=training)
    # All molecules with oxygen are in the validation set.
    text = "id,split,showcase\nm00,test,0\nm01,train,0\nm07,train,0\n" + "".join(
        f"m{index:02d},validation,0\n" for index in range(18) if index not in (0, 1, 7)
    )
    paths["splits"].write_text(text)
    with pytest.raises(InputError, match=r"reference\.h5: molecule m02 contains O"):
        train(**paths, **job, training=training)


def test_a_surrounding_slurm_job_changes_nothing(
    paths: dict[str, Path],
    network: dict[str, Any],
    training: dict[str, Any],
    variant: Variant,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {
        "NTASKS": "4",
        "JOB_ID": "1",
        "PROCID": "2",
        "NTASKS_PER_NODE": "4",
    }.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    monkeypatch.setenv("SLURM_JOB_NAME", "train")
    train(**paths, variant=variant, network=network, training=training, seed=1)
    assert paths["model_path"].exists()

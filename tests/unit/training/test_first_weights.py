"""A training that begins with another model's weights."""

from pathlib import Path
from typing import Any

import pytest
import torch

from mepflow.errors import ConfigError
from mepflow.models.variants import Variant
from mepflow.molecules import MoleculeTable
from mepflow.training.run import train

STEPS = 10


def trained(paths: dict[str, Path], name: str, **job: Any) -> dict[str, torch.Tensor]:
    model = paths["model_path"].with_name(f"{name}.pt")
    outputs = {"model_path": model, "state_folder": paths["state_folder"] / name}
    train(**paths | outputs, **job)
    state: dict[str, torch.Tensor] = torch.load(model, weights_only=True)["state"]
    return state


@pytest.fixture
def job(network: dict[str, Any], training: dict[str, Any], variant: Variant) -> dict[str, Any]:
    settings = {**training, "steps": STEPS, "validation_interval": STEPS}
    return {"variant": variant, "network": network, "training": settings, "seed": 1}


@pytest.fixture
def start(paths: dict[str, Path], job: dict[str, Any]) -> Path:
    trained(paths, "start", **job)
    return paths["model_path"].with_name("start.pt")


def test_the_first_step_is_made_from_the_given_weights(
    paths: dict[str, Path], job: dict[str, Any], start: Path
) -> None:
    hardly = {**job["training"], "learning_rate": 1e-9, "steps": 1}
    found = trained(paths, "next", **{**job, "training": hardly, "seed": 2}, start=start)
    given = torch.load(start, weights_only=True)["state"]
    assert all(torch.allclose(found[name], given[name], rtol=0, atol=1e-8) for name in given)


def test_another_variant_of_the_same_terms_can_go_on(
    paths: dict[str, Path], job: dict[str, Any], start: Path
) -> None:
    weights = {"dipole": 1.0}
    row = {**job["variant"].row(), "loss_weights": weights}
    changed = trained(paths, "a", **{**job, "variant": Variant.from_row("B", row)}, start=start)
    again = trained(paths, "b", **{**job, "variant": Variant.from_row("B", row)}, start=start)
    assert all(torch.equal(changed[name], again[name]) for name in changed)


def test_other_weights_are_another_training(
    paths: dict[str, Path], job: dict[str, Any], start: Path
) -> None:
    one = trained(paths, "next", **job, start=start)
    trained(paths, "start", **{**job, "seed": 2})  # another file of the same name
    other = trained(paths, "next", **job, start=start)
    assert not all(torch.equal(one[name], other[name]) for name in one)


def test_terms_that_the_given_model_lacks_start_from_the_seed(
    paths: dict[str, Path], job: dict[str, Any]
) -> None:
    row = {**job["variant"].row(), "atomic_terms": ["charges"], "quadrupole_from": "charges"}
    charges = Variant.from_row("AC", row)
    given = trained(paths, "charges", **{**job, "variant": charges})
    hardly = {**job["training"], "learning_rate": 1e-9, "steps": 1}
    path = paths["model_path"].with_name("charges.pt")
    found = trained(paths, "more", **{**job, "training": hardly}, start=path)
    drawn = trained(paths, "drawn", **{**job, "training": hardly})
    for name, values in found.items():
        expected = given.get(name, drawn[name])
        assert torch.allclose(values, expected, rtol=0, atol=1e-8)
    assert found.keys() > given.keys()
    path = paths["model_path"].with_name("more.pt")
    with pytest.raises(ConfigError, match="has the outputs p3 besides: give"):
        trained(paths, "less", **{**job, "variant": charges}, start=path)


def test_a_model_of_another_network_is_refused(
    paths: dict[str, Path], job: dict[str, Any], start: Path
) -> None:
    with pytest.raises(ConfigError, match=r"start\.pt, which has a network of other nodes: give"):
        trained(paths, "next", **{**job, "network": {**job["network"], "nodes": 5}}, start=start)


def test_an_element_that_the_model_does_not_know_is_refused(
    paths: dict[str, Path], job: dict[str, Any], start: Path
) -> None:
    table = MoleculeTable.load(paths["reference"])
    table.atomic_numbers[table.atomic_numbers == table.atomic_numbers[0]] = 17
    table.save(paths["reference"])
    with pytest.raises(ConfigError, match=r"start\.pt, which does not know Cl: filter"):
        trained(paths, "next", **job, start=start)

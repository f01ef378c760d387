"""Multipoles learn what valence shells leave of the potential, and all of that."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mepflow.electrostatics.penetration import penetration_potential, shells_of
from mepflow.electrostatics.potential import potential
from mepflow.errors import ConfigError
from mepflow.models.variants import Variant
from mepflow.molecules import GridValues, MoleculeTable
from mepflow.training.penetration_labels import without_penetration
from mepflow.training.run import train
from training_case import CHARGE_OF

WIDTHS = {"H": 0.5, "C": 0.6, "O": 0.45}
ROW = {
    "atomic_terms": ["charges"],
    "loss_weights": {"mep": 1.0},
    "quadrupole_from": "charges",
    "mep_grids": ["mk"],
}


def near(table: MoleculeTable, *, shells: bool) -> MoleculeTable:
    """Return the table with the potential of a charge per element and of shells near atoms."""
    rng = np.random.default_rng(5)
    parts = []
    for index in range(len(table)):
        numbers, positions = table.molecule(index).atomic_numbers, table.molecule(index).positions
        charges = np.array([CHARGE_OF[int(z)] for z in numbers])
        directions = rng.normal(size=(30, 3))
        directions *= 3.0 / np.linalg.norm(directions, axis=1)[:, None]
        points = np.concatenate([positions[:1] + directions, positions[-1:] - directions])
        mep = potential(points, positions, charges - charges.mean())
        if shells:
            mep = mep + penetration_potential(points, positions, shells_of(numbers, WIDTHS))
        parts.append((points, mep))
    return replace(table, grids={"mk": GridValues.from_ragged(parts)})


def test_labels_are_the_reference_less_the_shells(table: MoleculeTable) -> None:
    whole, expected = near(table, shells=True), near(table, shells=False)
    found = without_penetration(whole, WIDTHS)
    assert np.abs(whole.grids["mk"].mep - expected.grids["mk"].mep).max() > 1e-2
    np.testing.assert_allclose(found.grids["mk"].mep, expected.grids["mk"].mep, atol=1e-14)
    assert found.grids["mk"].points is whole.grids["mk"].points


@pytest.mark.parametrize(("known", "named"), [({"H": 0.4, "C": 0.5}, "O"), ({}, "H, C, O")])
def test_elements_without_a_width_are_named(
    table: MoleculeTable, known: dict[str, float], named: str
) -> None:
    first = "m02" if known else "m00"
    with pytest.raises(ConfigError, match=rf"here: .* {named} \(molecule {first}\) has no width"):
        without_penetration(near(table, shells=True), known, "here")


def trained(
    paths: dict[str, Path],
    folder: Path,
    network: dict[str, Any],
    training: dict[str, Any],
    **more: Any,
) -> tuple[float, dict[str, Any]]:
    """Return the lowest validation loss of a training, and its model file."""
    penetration = {"penetration": True} if more.get("widths") else {}
    outputs = {"model_path": folder / "model.pt", "state_folder": folder / "state"}
    train(
        **paths | outputs,
        variant=Variant.from_row("AC-M", {**ROW, **penetration}),
        network=network,
        training={**training, "steps": 120, "gradient_clip_norm": None, "precision": "float64"},
        seed=1,
        **more,
    )
    with paths["log_path"].open() as file:
        loss = min(float(row["validation_loss"]) for row in csv.DictReader(file))
    return loss, torch.load(outputs["model_path"], weights_only=True)


def test_multipoles_with_shells_are_learned_as_multipoles_alone(
    paths: dict[str, Path],
    table: MoleculeTable,
    network: dict[str, Any],
    training: dict[str, Any],
    tmp_path: Path,
) -> None:
    near(table, shells=False).save(paths["reference"])
    multipoles, model = trained(paths, tmp_path / "multipoles", network, training)
    assert "penetration" not in model["variant"]
    assert "penetration_bohr" not in model["provenance"]
    near(table, shells=True).save(paths["reference"])
    without, _ = trained(paths, tmp_path / "without", network, training)
    with_key, model = trained(paths, tmp_path / "with", network, training, widths=WIDTHS)
    assert with_key == pytest.approx(multipoles, rel=1e-4)
    assert without > 5.0 * multipoles
    assert model["variant"]["penetration"] is True
    assert model["provenance"]["penetration_bohr"] == WIDTHS


def test_a_training_without_widths_is_refused_before_it_begins(
    paths: dict[str, Path], table: MoleculeTable, network: dict[str, Any], training: dict[str, Any]
) -> None:
    near(table, shells=True).save(paths["reference"])
    variant = Variant.from_row("AC-M", {**ROW, "penetration": True})
    with pytest.raises(ConfigError, match=r"reference\.h5: .* H, C, O \(molecule"):
        train(**paths, variant=variant, network=network, training=training, seed=1)
    assert not paths["state_folder"].exists()

"""A small data set with a sensible answer, and settings that train it in a moment."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mepflow.electrostatics.potential import potential
from mepflow.models.variants import Variant
from mepflow.molecules import GridValues, Molecule, MoleculeTable
from mepflow.multipoles import centre_of_nuclear_charge, dipole_terms, quadrupole_terms

CHARGE_OF = {1: 0.2, 6: -0.1, 8: -0.4}
NETWORK: dict[str, Any] = {
    "rank": 3,
    "depth": 2,
    "nodes": 4,
    "cutoff_angstrom": 3.0,
    "cutoff_function": "f1",
    "basis": "gaussian",
    "n_basis": 3,
    "gamma_per_angstrom2": 3.0,
    "weighted": False,
}
TRAINING: dict[str, Any] = {
    "steps": 40,
    "batch_size": 4,
    "learning_rate": 5.0e-3,
    "schedule": {"kind": "cosine"},
    "gradient_clip_norm": 0.1,
    "adam_epsilon": 1.0e-7,
    "validation_interval": 10,
    "early_stopping_patience": None,
    "precision": "float32",
    "device": "cpu",
}
VARIANT = Variant.from_row(
    "AC-AD-DQ-c",
    {
        "atomic_terms": ["charges", "dipoles"],
        "loss_weights": {"dipole": 1.0, "quadrupole": 1.0},
        "quadrupole_from": "all",
    },
)


@pytest.fixture
def network() -> dict[str, Any]:
    return dict(NETWORK)


@pytest.fixture
def training() -> dict[str, Any]:
    return dict(TRAINING)


@pytest.fixture
def variant() -> Variant:
    return VARIANT


@pytest.fixture
def table() -> MoleculeTable:
    """18 molecules of 1 to 6 atoms whose multipoles are those of a charge per element."""
    rng = np.random.default_rng(2)
    corners = np.array([[x, y, z] for x in (0, 2) for y in (0, 2) for z in (0, 2)], dtype=float)
    molecules, dipoles, quadrupoles = [], [], []
    for index in range(18):
        n_atoms = 1 + index % 6
        numbers = np.resize((6, 1, 8, 1), n_atoms).astype(np.uint8)
        positions = corners[:n_atoms] + rng.uniform(-0.4, 0.4, (n_atoms, 3))
        charges = np.array([CHARGE_OF[int(z)] for z in numbers])
        charges -= charges.mean()
        relative = positions - centre_of_nuclear_charge(numbers, positions)
        molecules.append(Molecule(f"m{index:02d}", numbers, positions))
        dipoles.append(dipole_terms(charges, relative).sum(axis=0))
        quadrupoles.append(quadrupole_terms(charges, relative).sum(axis=0))
    return MoleculeTable.from_molecules(
        molecules, {"dipole": dipoles, "quadrupole": quadrupoles}, metadata={"made": "by a test"}
    )


def with_potential(table: MoleculeTable) -> MoleculeTable:
    """Return the table with the potential of a charge per element at 40 points of each molecule."""
    rng = np.random.default_rng(5)
    parts = []
    for index in range(len(table)):
        numbers, positions = table.molecule(index).atomic_numbers, table.molecule(index).positions
        charges = np.array([CHARGE_OF[int(z)] for z in numbers])
        directions = rng.normal(size=(40, 3))
        far = 6.0 * directions / np.linalg.norm(directions, axis=1)[:, None]
        points = positions.mean(axis=0) + far
        parts.append((points, potential(points, positions, charges - charges.mean())))
    return replace(table, grids={"mk": GridValues.from_ragged(parts)})


@pytest.fixture
def paths(tmp_path: Path, table: MoleculeTable) -> dict[str, Path]:
    """The files of a training: 10 molecules to train with, 4 to validate and 4 to test."""
    table.save(tmp_path / "reference.h5")
    split_of = ["test"] * 4 + ["validation"] * 4 + ["train"] * 10
    rows = [f"{name},{split},0" for name, split in zip(table.ids, split_of, strict=True)]
    # One more that a later filter threw out: it is in the splits and not in the reference.
    (tmp_path / "splits.csv").write_text("\n".join(["id,split,showcase", *rows, "m99,train,0\n"]))
    return {
        "reference": tmp_path / "reference.h5",
        "splits": tmp_path / "splits.csv",
        "state_folder": tmp_path / "state",
        "model_path": tmp_path / "model.pt",
        "log_path": tmp_path / "training.csv",
    }

"""Models of energies with every kind of network, and molecules with energies to learn."""

from typing import Any

import numpy as np
import torch

from mepflow.models.device_data import DeviceDataset
from mepflow.models.energy_model import EnergyModel
from mepflow.models.energy_units import EnergyUnits
from mepflow.models.multipole_model import Batch
from mepflow.models.variants import Variant
from mepflow.molecules import FloatArray, Molecule, MoleculeTable
from mepflow.nn.networks import network_settings
from mepflow.units import ANGSTROM_IN_BOHR
from physnet_cases import SMALL, scatter_weights
from training_case import NETWORK

ELEMENTS = (1, 6, 8)
PINET2 = NETWORK | {"cutoff_angstrom": 4.0, "nodes": 6}
NETWORKS: dict[str, dict[str, Any]] = {
    "physnet": {"kind": "physnet", **SMALL, "cutoff_angstrom": 4.0},
    "pinet2 of scalars": PINET2 | {"rank": 1},
    "pinet2": PINET2,
    "pinet2 of matrices": PINET2 | {"rank": 5, "weighted": True},
}
"""Rows of every kind of network."""
UNITS = EnergyUnits({1: -0.5, 6: -37.8, 8: -75.0}, 0.05)


def energy_variant(**changes: Any) -> Variant:
    row = {
        "atomic_terms": ["charges"],
        "loss_weights": {"energy": 1.0, "forces": 10.0, "dipole": 0.5},
        "quadrupole_from": "charges",
    }
    return Variant.from_row("test-EFD", row | changes)


def energy_model(network: str, *, electrostatics: bool) -> EnergyModel:
    """Return a model in double precision whose weights all do something."""
    variant = energy_variant(electrostatics=electrostatics)
    row = {**NETWORKS[network], "elements": ELEMENTS, "outputs": variant.outputs}
    model = EnergyModel(network_settings(row), variant).double()
    torch.manual_seed(2)
    model.network.reset_parameters()  # type: ignore[operator]
    if network == "physnet":
        scatter_weights(model)
    model.units = UNITS
    return model


def some_molecule(seed: int, n_atoms: int) -> Molecule:
    """Return a random molecule, no two atoms nearer than 1 Å; its first atom is oxygen."""
    rng = np.random.default_rng(seed)
    positions = [np.zeros(3)]
    while len(positions) < n_atoms:
        trial = rng.uniform(-2.0, 2.0, 3)
        if min(np.linalg.norm(trial - p) for p in positions) > 1.0:
            positions.append(trial)
    numbers = np.array([8, *rng.choice(ELEMENTS, n_atoms - 1)], dtype=np.uint8)
    return Molecule(f"m{seed:02d}", numbers, np.array(positions) * ANGSTROM_IN_BOHR)


def batch_of(model: EnergyModel, *molecules: Molecule) -> Batch:
    table = MoleculeTable.from_molecules(list(molecules))
    cutoff, dtype = model.settings.cutoff_angstrom, next(model.parameters()).dtype
    return DeviceDataset.from_table(table, ELEMENTS, cutoff, dtype=dtype).inputs


def predicted(model: EnergyModel, *molecules: Molecule) -> dict[str, FloatArray]:
    """Return the properties that a model predicts."""
    found = model.properties(batch_of(model, *molecules))
    return {name: values.numpy() for name, values in found.items()}


def energy_table(n_molecules: int = 14) -> MoleculeTable:
    """Return molecules whose energy is a sum over atoms and pairs, with its forces and dipoles."""
    molecules = [some_molecule(seed, 2 + seed % 4) for seed in range(n_molecules)]
    energies, gradients, dipoles, quadrupoles = [], [], [], []
    for one in molecules:
        difference = one.positions[:, None] - one.positions[None]
        distance = np.linalg.norm(difference, axis=2) + 9.0 * np.eye(len(one))
        energies.append(
            sum(UNITS.references[int(z)] for z in one.atomic_numbers)
            + 0.05 * np.triu(np.exp(-distance / 2.0), 1).sum()
        )
        slope = -0.025 * np.exp(-distance / 2.0) / distance * (1.0 - np.eye(len(one)))
        gradients.append((slope[:, :, None] * difference).sum(axis=1))
        charges = np.where(one.atomic_numbers == 8, -0.3, 0.1)
        charges = charges - charges.mean()
        centre = one.atomic_numbers @ one.positions / one.atomic_numbers.sum()
        dipoles.append(charges @ (one.positions - centre))
        quadrupoles.append(np.zeros((3, 3)))
    return MoleculeTable.from_molecules(
        molecules,
        {
            "energy": energies,
            "archive_gradient": gradients,
            "dipole": dipoles,
            "quadrupole": quadrupoles,
        },
    )

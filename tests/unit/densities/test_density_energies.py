"""Energies and forces through density and energy network, frozen and not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import special_ortho_group
from torch import Tensor

from cases.density_cases import ETHANOL, POSITIONS, energy_model
from mepflow.densities.density_batch import joined
from mepflow.densities.density_energy_data import labelled_energies, predicted_energies
from mepflow.densities.density_energy_model import DensityEnergyModel
from mepflow.densities.density_energy_network import DENSITY, DENSITY_AND_GEOMETRY, GEOMETRY, INPUTS
from mepflow.densities.density_slopes import frozen_density
from mepflow.errors import InputError
from mepflow.molecules import Molecule, MoleculeTable

ETHANOL_MOLECULE = Molecule("ethanol", ETHANOL.astype(np.uint8), POSITIONS)
WATER = Molecule("water", ETHANOL[[2, 3, 8]].astype(np.uint8), POSITIONS[[2, 3, 8]])


def energies(model: DensityEnergyModel, *molecules: Molecule) -> tuple[Tensor, Tensor]:
    graphs = [model.density.graph(molecule) for molecule in molecules]
    found = model.energies_and_forces(joined(graphs, model.density.network.layout.width))
    return found.energy.detach(), found.forces


@pytest.mark.parametrize("inputs", INPUTS)
def test_forces_are_slopes_of_the_energy_through_both_networks(inputs: str) -> None:
    model = energy_model(inputs)
    step = 1e-3
    _, forces = energies(model, ETHANOL_MOLECULE)
    assert forces.abs().max() > 1e-4
    for atom, axis in ((0, 0), (2, 1), (8, 2)):
        move = np.zeros_like(POSITIONS)
        move[atom, axis] = step
        places = [POSITIONS + factor * move for factor in (-2, -1, 1, 2)]
        found, _ = energies(model, *(replace(ETHANOL_MOLECULE, positions=one) for one in places))
        slope = (found[0] - 8.0 * found[1] + 8.0 * found[2] - found[3]) / (12.0 * step)
        assert -slope.item() == pytest.approx(forces[atom, axis].item(), abs=1e-10)
    assert forces.sum(dim=0).abs().max() < 1e-13
    torque = torch.linalg.cross(torch.as_tensor(POSITIONS), forces).sum(dim=0)
    assert torque.abs().max() < 1e-12


@pytest.mark.parametrize("inputs", INPUTS)
def test_the_energy_turns_and_changes_places_with_the_molecule(inputs: str) -> None:
    model = energy_model(inputs)
    turn = special_ortho_group.rvs(3, random_state=1) @ np.diag([1.0, 1.0, -1.0])
    order = np.random.default_rng(1).permutation(9)
    moved = Molecule(
        "moved", ETHANOL_MOLECULE.atomic_numbers[order], (POSITIONS @ turn.T + 3.0)[order]
    )
    energy, forces = energies(model, ETHANOL_MOLECULE)
    again, turned = energies(model, moved)
    torch.testing.assert_close(again, energy, rtol=0, atol=1e-13)
    torch.testing.assert_close(turned, forces[order] @ turn.T, rtol=0, atol=1e-13)


def test_molecules_of_a_batch_and_distant_parts_have_energies_of_their_own() -> None:
    model = energy_model()
    energy, forces = energies(model, ETHANOL_MOLECULE, WATER)
    for row, (one, atoms) in enumerate(((ETHANOL_MOLECULE, slice(9)), (WATER, slice(9, 12)))):
        alone, of_it = energies(model, one)
        torch.testing.assert_close(energy[row], alone[0], rtol=0, atol=1e-13)
        torch.testing.assert_close(forces[atoms], of_it, rtol=0, atol=1e-13)
    together = Molecule(
        "both",
        np.concatenate([ETHANOL_MOLECULE.atomic_numbers, WATER.atomic_numbers]),
        np.concatenate([POSITIONS, WATER.positions + 60.0]),
    )
    whole, _ = energies(model, together)
    torch.testing.assert_close(whole[0], energy.sum(), rtol=0, atol=1e-13)


def test_inputs_are_what_the_network_sees() -> None:
    """The density alone knows no distances; the geometry alone no density."""
    of_density, of_geometry = energy_model(DENSITY), energy_model(GEOMETRY)
    graph = of_density.density.graph(ETHANOL_MOLECULE)
    whitened = [values.detach() for values in of_density.density.network.whitened(graph)]
    moved = graph.at(1.1 * graph.positions)
    energy = of_density.energies(graph, whitened)
    assert of_density.energies(moved, whitened).item() == energy.item()
    other = [1.1 * values for values in whitened]
    assert abs(of_density.energies(graph, other).item() - energy.item()) > 1e-6
    energy = of_geometry.energies(graph, whitened)
    assert of_geometry.energies(graph, other).item() == energy.item()
    assert abs(of_geometry.energies(moved, whitened).item() - energy.item()) > 1e-6


def _table(molecules: list[Molecule]) -> MoleculeTable:
    generator = np.random.default_rng(1)
    table = MoleculeTable.from_molecules(molecules)
    return table.with_properties(
        energy=-155.0 + 0.01 * generator.normal(size=len(molecules)),
        gradient=0.01 * generator.normal(size=(sum(map(len, molecules)), 3)),
    )


@pytest.mark.parametrize("inputs", [DENSITY_AND_GEOMETRY, DENSITY])
def test_frozen_densities_give_what_the_density_network_gives(inputs: str) -> None:
    """Energies, forces, and the loss's slopes along the weights of the energy network."""
    model = energy_model(inputs)
    model.density.network.requires_grad_(requires_grad=False)
    table = _table([ETHANOL_MOLECULE, WATER])
    found = []
    graphs = [model.density.graph(one) for one in (ETHANOL_MOLECULE, WATER)]
    exact = [frozen_density(model.density.network, graph, 4) for graph in graphs]
    for frozen in (dict(zip(table.ids, exact, strict=True)), {}):
        molecules = labelled_energies(table, [0, 1], model, frozen)
        assert all((one.density is None) == (not frozen) for one in molecules)
        energy, forces = predicted_energies(molecules, model, create_graph=True)
        right = torch.cat([one.forces for one in molecules])
        loss = ((forces - right) ** 2).mean() + (energy**2).mean()
        model.network.zero_grad()
        loss.backward()
        slopes = [p.grad.clone() for p in model.network.parameters() if p.grad is not None]
        found.append((energy.detach(), forces.detach(), slopes))
    for frozen, asked in zip(*found, strict=True):
        torch.testing.assert_close(frozen, asked, rtol=1e-9, atol=1e-14)


def test_a_molecule_without_labels_is_named() -> None:
    table = _table([ETHANOL_MOLECULE, WATER])
    table.properties["gradient"][-1] = np.nan
    with pytest.raises(InputError, match="water has no energy or no forces"):
        labelled_energies(table, [0, 1], energy_model(), {})


def test_a_model_comes_back_from_its_file(tmp_path: Path) -> None:
    model, path = energy_model(), tmp_path / "model.pt"
    for net in (model.network, model.density.network):
        net.load_state_dict({name: values.float() for name, values in net.state_dict().items()})
    model.save(path, {name: p.detach() for name, p in model.network.named_parameters()})
    energy, forces = energies(model, ETHANOL_MOLECULE)
    again, same = energies(DensityEnergyModel.load(path), ETHANOL_MOLECULE)
    assert again.item() == energy.item()
    assert torch.equal(same, forces)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="no model of energies from densities"):
        DensityEnergyModel.load(path)
    with pytest.raises(InputError, match="does not exist"):
        DensityEnergyModel.load(tmp_path / "none.pt")

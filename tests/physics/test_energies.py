"""Energies and forces of every kind of network: what must hold of any of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pinet2_networks import rotations

from energy_cases import NETWORKS, UNITS, energy_model, predicted, some_molecule
from mepflow.electrostatics.damped_coulomb import damped_coulomb_energy
from mepflow.models.energy_model import EnergyModel
from mepflow.molecules import Molecule
from mepflow.units import ANGSTROM_IN_BOHR, BOHR_IN_ANGSTROM

MODELS = pytest.mark.parametrize(
    ("network", "electrostatics"), [(name, on) for name in NETWORKS for on in (False, True)]
)
ONE, OTHER = some_molecule(1, 7), some_molecule(2, 5)
TOLERANCE = 1e-12


def moved(molecule: Molecule, positions: np.ndarray) -> Molecule:
    return replace(molecule, positions=positions)


def differences(left: dict[str, np.ndarray], right: dict[str, np.ndarray]) -> dict[str, float]:
    return {name: float(np.abs(left[name] - right[name]).max()) for name in right}


@MODELS
def test_forces_are_the_slope_of_the_energy(network: str, electrostatics: bool) -> None:
    model = energy_model(network, electrostatics=electrostatics)
    forces = predicted(model, ONE)["forces"]
    assert np.abs(forces).max() > 1e-4
    step = 1e-4
    for atom, axis in ((0, 0), (3, 1), (6, 2)):
        shift = np.zeros_like(ONE.positions)
        shift[atom, axis] = step
        ahead, behind = (
            predicted(model, moved(ONE, ONE.positions + sign * shift))["energy"][0]
            for sign in (1, -1)
        )
        slope = (ahead - behind) / (2 * step)
        # 1e-14 of energies of some hundred hartree, over the step.
        assert forces[atom, axis] == pytest.approx(-slope, abs=2e-9)


@MODELS
def test_what_the_frame_and_the_order_must_and_must_not_change(
    network: str, electrostatics: bool
) -> None:
    model = energy_model(network, electrostatics=electrostatics)
    expected = predicted(model, ONE)
    for rotation in rotations():
        found = predicted(model, moved(ONE, ONE.positions @ rotation.T + [9.0, -5.0, 2.0]))
        turned = {
            "energy": expected["energy"],
            "forces": expected["forces"] @ rotation.T,
            "atomic_charges": expected["atomic_charges"],
            "dipole": expected["dipole"] @ rotation.T,
        }
        assert max(differences(found, turned).values()) < TOLERANCE * 100
    order = np.random.default_rng(0).permutation(len(ONE))
    mixed = Molecule(ONE.id, ONE.atomic_numbers[order], ONE.positions[order])
    per_atom = ("forces", "atomic_charges")
    ordered = {k: v[order] if k in per_atom else v for k, v in expected.items()}
    assert max(differences(predicted(model, mixed), ordered).values()) < TOLERANCE * 100
    assert np.abs(expected["forces"].sum(axis=0)).max() < TOLERANCE


@MODELS
def test_molecules_far_apart_add_up_but_for_coulombs_law(
    network: str, electrostatics: bool
) -> None:
    model = energy_model(network, electrostatics=electrostatics)
    alone = [predicted(model, one) for one in (ONE, OTHER)]
    together = predicted(model, ONE, OTHER)
    for name in together:
        joined = np.concatenate([one[name] for one in alone])
        assert np.abs(together[name] - joined).max() < TOLERANCE * 10
    apart = OTHER.positions + np.array([60.0, 0.0, 0.0])
    whole = Molecule(
        "both",
        np.concatenate([ONE.atomic_numbers, OTHER.atomic_numbers]),
        np.concatenate([ONE.positions, apart]),
    )
    rest = [without_coulomb(model, one) for one in (ONE, OTHER, whole)]
    assert rest[2] == pytest.approx(rest[0] + rest[1], abs=1e-11)


def without_coulomb(model: EnergyModel, molecule: Molecule) -> float:
    found = predicted(model, molecule)
    coulomb = 0.0
    if model.variant.electrostatics:
        coulomb = float(
            damped_coulomb_energy(
                torch.from_numpy(found["atomic_charges"]),
                torch.from_numpy(molecule.positions * BOHR_IN_ANGSTROM),
                torch.zeros(len(molecule), dtype=torch.int64),
                1,
                model.settings.cutoff_angstrom,
            )[0]
        )
        assert abs(coulomb) > 1e-6
    return float(found["energy"][0]) - coulomb


@MODELS
def test_energies_and_forces_are_smooth_at_the_cutoff(network: str, electrostatics: bool) -> None:
    model = energy_model(network, electrostatics=electrostatics)
    for edge in (4.0, 2.0):  # the network's, and that of the damping
        found = {}
        for step in (-1e-6, 1e-6):
            positions = np.array([[0.0, 0.0, 0.0], [edge + step, 0.0, 0.0], [0.0, 1.1, 0.0]])
            atoms = Molecule("x", np.array([8, 6, 1], np.uint8), positions * ANGSTROM_IN_BOHR)
            found[step] = predicted(model, atoms)
        before, after = found.values()
        slope = float(before["forces"][1, 0]) * 2e-6 * ANGSTROM_IN_BOHR
        assert before["energy"] - after["energy"] == pytest.approx(slope, abs=1e-12)
        assert differences(before, after)["forces"] < 1e-5


def test_energies_count_from_the_references() -> None:
    model = energy_model("physnet", electrostatics=False)
    for values in model.parameters():
        values.data.zero_()
    found = predicted(model, ONE)
    expected = sum(UNITS.references[int(z)] for z in ONE.atomic_numbers)
    assert found["energy"][0] == pytest.approx(expected, abs=1e-13)
    assert not found["forces"].any()

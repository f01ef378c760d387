"""Models and ASE's calculators as surfaces."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT
from ase.vibrations import Infrared

from dynamics_cases import NUMBERS, PLACES, WATER, Springs
from energy_cases import energy_model, predicted, some_molecule
from mepflow.dynamics.calculator_forces import CalculatorForces, SurfaceCalculator
from mepflow.dynamics.harmonic_modes import harmonic_modes, minimum
from mepflow.dynamics.model_forces import ModelForces
from mepflow.errors import InputError
from mepflow.models.model_file import save_model
from mepflow.molecules import Molecule
from mepflow.multipoles import centre_of_nuclear_charge
from mepflow.units import BOHR_IN_ANGSTROM

MOLECULE = some_molecule(4, 6)


@pytest.mark.parametrize("network", ["physnet", "pinet2"])
def test_replicas_of_a_model_are_what_it_predicts_one_by_one(network: str) -> None:
    model = energy_model(network, electrostatics=True)
    rng = np.random.default_rng(2)
    positions = MOLECULE.positions + rng.normal(0.0, 0.1, (3, *MOLECULE.positions.shape))
    found = ModelForces([model], MOLECULE, "test")(positions)
    for number, place in enumerate(positions):
        one = Molecule("one", MOLECULE.atomic_numbers, place)
        expected = predicted(model, one)
        assert found.energy[number] == pytest.approx(expected["energy"][0], abs=1e-11)
        np.testing.assert_allclose(found.forces[number], expected["forces"], rtol=0, atol=1e-11)
        np.testing.assert_allclose(found.dipole[number], expected["dipole"][0], atol=1e-11)


def test_the_dipole_of_an_ion_is_about_a_point_that_does_not_move() -> None:
    model = energy_model("pinet2", electrostatics=True)
    ion = replace(MOLECULE, total_charge=1)
    shift = np.array([0.3, -0.2, 0.5])
    here, there = ModelForces([model], ion, "test")(
        ion.positions + np.array([0 * shift, shift])[:, None]
    ).dipole
    np.testing.assert_allclose(there - here, shift, atol=1e-11)
    about_nuclei = predicted(model, ion)["dipole"][0]
    centre = centre_of_nuclear_charge(ion.atomic_numbers, ion.positions)
    np.testing.assert_allclose(here, about_nuclei + centre, atol=1e-11)


def test_the_spread_of_models_is_that_of_their_forces() -> None:
    one = energy_model("pinet2", electrostatics=True)
    other = energy_model("pinet2", electrostatics=False)
    positions = MOLECULE.positions[None] + np.zeros((2, 1, 1))
    surface = ModelForces([one, other], MOLECULE, "test")
    forces = [ModelForces([model], MOLECULE, "test")(positions).forces for model in (one, other)]
    difference = np.linalg.norm(forces[0] - forces[1], axis=-1)
    spread = surface.force_spread(positions)
    np.testing.assert_allclose(spread, np.sqrt((difference**2 / 2.0).mean(axis=-1)), rtol=1e-9)
    assert spread[0] > 1e-4
    assert ModelForces([one], MOLECULE, "test").force_spread(positions) is None
    np.testing.assert_array_equal(surface(positions).forces, forces[0])


def test_a_model_that_cannot_move_a_molecule_is_named(tmp_path: Path) -> None:
    model = energy_model("pinet2", electrostatics=True)
    save_model(tmp_path / "model.pt", model, model.state_dict(), {"seed": 1})
    assert ModelForces.load([tmp_path / "model.pt"], WATER).description == "test-EFD"
    sulfur = Molecule("h2s", np.array([16, 1, 1], dtype=np.uint8), PLACES)
    with pytest.raises(InputError, match=r"the model knows H, C, O, not S: train one that does"):
        ModelForces.load([tmp_path / "model.pt"], sulfur)


class WaterSprings(Calculator):
    """The springs as a calculator of ASE."""

    implemented_properties = ("energy", "forces", "dipole")

    def calculate(self, atoms: Any, *arguments: Any) -> None:
        super().calculate(atoms, *arguments)
        inner = SurfaceCalculator(Springs())
        inner.calculate(atoms)
        self.results = inner.results


def test_a_calculator_is_a_surface_and_a_surface_a_calculator() -> None:
    atoms = Atoms(NUMBERS, PLACES * BOHR_IN_ANGSTROM)
    surface = CalculatorForces(atoms, WaterSprings)
    rng = np.random.default_rng(1)
    positions = PLACES + rng.normal(0.0, 0.05, (4, 3, 3))
    found, expected = surface(positions), Springs()(positions)
    for name in expected._fields:
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-12)
    assert surface.description == "WaterSprings"


def test_a_calculator_without_dipole_moves_and_one_without_forces_is_refused() -> None:
    atoms = Atoms("Cu2", [[0.0, 0.0, 0.0], [2.3, 0.0, 0.0]])
    found = CalculatorForces(atoms, EMT)(atoms.get_positions()[None] / BOHR_IN_ANGSTROM)
    assert np.isfinite(found.forces).all()
    assert np.isnan(found.dipole).all()

    class Energies(WaterSprings):
        implemented_properties = ("energy",)

    with pytest.raises(InputError, match="The calculator Energies gives no energy or no forces"):
        CalculatorForces(Atoms(NUMBERS, PLACES), Energies)(PLACES[None])


def test_harmonic_modes_are_those_of_ase(tmp_path: Path) -> None:
    """ASE asks the same surface for one displacement after the other."""
    start = Molecule("water", NUMBERS, PLACES + 0.05 * np.eye(3))
    places = minimum(start, Springs())
    found = harmonic_modes(NUMBERS, places, Springs())
    atoms: Any = Atoms(NUMBERS, places * BOHR_IN_ANGSTROM, calculator=SurfaceCalculator(Springs()))
    theirs = Infrared(atoms, name=str(tmp_path / "modes"), delta=0.005)
    theirs.run()
    wavenumbers = theirs.get_frequencies()[6:].real
    np.testing.assert_allclose(found.wavenumbers, wavenumbers, rtol=3e-4)
    # In (D/Å)²/amu; the same constant that ASE prints km/mol with.
    np.testing.assert_allclose(found.intensities, 42.2561 * theirs.intensities[6:], rtol=2e-3)


def test_a_molecule_that_finds_no_minimum_is_named() -> None:
    class Slope(Springs):
        def __call__(self, positions: np.ndarray) -> Any:
            found = super().__call__(positions)
            return found._replace(forces=found.forces + 0.1)

    with pytest.raises(InputError, match="water: no minimum of springs was found in at most 500"):
        minimum(WATER, Slope())

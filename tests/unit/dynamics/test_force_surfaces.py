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

from density_cases import ETHANOL, POSITIONS
from density_cases import energy_model as density_energy_model
from dynamics_cases import NUMBERS, PLACES, WATER, Springs
from energy_cases import energy_model, predicted, some_molecule
from mepflow.densities.density_functions import molecular_potential
from mepflow.densities.density_moments import molecular_moments
from mepflow.dynamics.calculator_forces import CalculatorForces, SurfaceCalculator
from mepflow.dynamics.density_forces import DensityForces
from mepflow.dynamics.harmonic_modes import harmonic_modes, minimum
from mepflow.dynamics.learned_surfaces import load_potentials, load_surface
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


def test_replicas_on_a_density_are_what_its_model_says_one_by_one() -> None:
    model, ethanol = (
        density_energy_model(),
        Molecule("ethanol", ETHANOL.astype(np.uint8), POSITIONS),
    )
    rng = np.random.default_rng(2)
    positions = POSITIONS + rng.normal(0.0, 0.1, (3, *POSITIONS.shape))
    other = density_energy_model(seed=2)
    surface = DensityForces([model, other], ethanol, "density")
    found = surface(positions)
    spread = surface.force_spread(positions)
    references = model.units.of_elements(ETHANOL.tolist()).sum()
    for number, place in enumerate(positions):
        graph = model.density.graph(replace(ethanol, positions=place))
        expected = model.energies_and_forces(graph)
        energy = expected.energy.item() + references
        assert found.energy[number] == pytest.approx(energy, abs=1e-12)
        np.testing.assert_allclose(found.forces[number], expected.forces, rtol=0, atol=1e-13)
        coefficients = model.density.coefficients(replace(ethanol, positions=place))
        _, dipole, _ = molecular_moments(model.density.basis, ETHANOL, place, coefficients)
        np.testing.assert_allclose(found.dipole[number], dipole, rtol=0, atol=1e-12)
        difference = (expected.forces - other.energies_and_forces(graph).forces).numpy()
        size = np.sqrt((difference**2).sum(axis=-1).mean() / 2.0)
        assert spread is not None
        assert spread[number] == pytest.approx(size, rel=1e-9)
    assert DensityForces([model], ethanol).force_spread(positions) is None


def test_the_kind_of_a_surface_and_its_potential_are_told_by_the_file(tmp_path: Path) -> None:
    model, ethanol = (
        density_energy_model(),
        Molecule("ethanol", ETHANOL.astype(np.uint8), POSITIONS),
    )
    path = tmp_path / "density.pt"
    model.save(path, {name: p.detach() for name, p in model.network.named_parameters()})
    surface = load_surface([path], ethanol, "density-energy")
    assert isinstance(surface, DensityForces)
    found = surface(POSITIONS[None])
    expected = DensityForces([model], ethanol)(POSITIONS[None])
    np.testing.assert_allclose(found.forces, expected.forces, rtol=0, atol=1e-6)
    points = POSITIONS[:5] + 3.0
    density = model.density
    exact = molecular_potential(
        density.basis, ETHANOL, POSITIONS, density.coefficients(ethanol), points
    )
    potential = load_potentials(path, None)([ethanol], [points])
    np.testing.assert_allclose(potential, exact[None], rtol=0, atol=1e-6)
    sulphide = Molecule("H2S", np.array([16, 1, 1], np.uint8), POSITIONS[:3])
    with pytest.raises(InputError, match="no functions for S"):
        load_surface([path], sulphide, "density-energy")


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

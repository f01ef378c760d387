"""What ASE does with a model of energies: a minimum, and a dynamics that keeps its energy."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms, units
from ase.calculators.calculator import Calculator, PropertyNotImplementedError
from ase.calculators.mixing import SumCalculator
from ase.md.velocitydistribution import thermalize_momenta
from ase.md.verlet import VelocityVerlet
from ase.optimize import BFGS

from energy_cases import energy_model, predicted, some_molecule
from mepflow.models.model_file import save_model
from mepflow.prediction.predictor import DomainWarning, Predictor
from mepflow.units import BOHR_IN_ANGSTROM, HARTREE_IN_EV

MOLECULE = some_molecule(4, 6)


class Springs(Calculator):
    """Springs of 5 eV/Å² from every atom to a place."""

    implemented_properties = ("energy", "forces")

    def __init__(self, places: np.ndarray) -> None:
        super().__init__()
        self.places = places.copy()

    def calculate(self, atoms: Atoms, *arguments: object) -> None:
        super().calculate(atoms, *arguments)
        away = atoms.positions - self.places
        self.results = {"energy": 2.5 * (away**2).sum(), "forces": -5.0 * away}


@pytest.fixture(params=["physnet", "pinet2"])
def atoms(request: pytest.FixtureRequest, tmp_path: Path) -> Atoms:
    """A molecule on the surface of an untrained model."""
    model = energy_model(request.param, electrostatics=True)
    save_model(tmp_path / "model.pt", model, model.state_dict(), {"seed": 1})
    atoms = Atoms(MOLECULE.atomic_numbers, MOLECULE.positions * BOHR_IN_ANGSTROM)
    predictor = Predictor.load(tmp_path / "model.pt", double_precision=True)
    atoms.calc = predictor.calculator()
    atoms.info["expected"] = predicted(model, MOLECULE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DomainWarning)
        yield atoms


def test_energy_forces_charges_and_dipole_of_the_calculator(atoms: Atoms) -> None:
    expected = atoms.info.pop("expected")
    assert atoms.get_potential_energy() == pytest.approx(
        expected["energy"][0] * HARTREE_IN_EV, abs=1e-9
    )
    forces = expected["forces"] * HARTREE_IN_EV / BOHR_IN_ANGSTROM
    np.testing.assert_allclose(atoms.get_forces(), forces, rtol=0, atol=1e-10)
    np.testing.assert_allclose(atoms.get_charges(), expected["atomic_charges"], atol=1e-12)
    dipole = expected["dipole"][0] * BOHR_IN_ANGSTROM
    np.testing.assert_allclose(atoms.get_dipole_moment(), dipole, atol=1e-12)
    with pytest.raises(PropertyNotImplementedError):
        atoms.get_stress()


def test_a_minimum_is_found_and_a_dynamics_keeps_its_energy(atoms: Atoms) -> None:
    del atoms.info["expected"]
    # Springs hold together what the surface of random weights does not.
    atoms.calc = SumCalculator([atoms.calc, Springs(atoms.positions)])
    start, slope = atoms.get_potential_energy(), np.abs(atoms.get_forces()).max()
    BFGS(atoms, logfile=None).run(fmax=0.2 * slope, steps=60)
    assert np.abs(atoms.get_forces()).max() < 0.25 * slope
    assert atoms.get_potential_energy() < start

    thermalize_momenta(atoms, 300.0, rng=np.random.default_rng(1))
    dynamics = VelocityVerlet(atoms, 0.25 * units.fs)
    model = atoms.calc.mixer.calcs[0]
    energies, kinetic, energies_of_model = [], [], []
    for _ in range(100):
        energies.append(atoms.get_total_energy())
        kinetic.append(atoms.get_kinetic_energy())
        energies_of_model.append(model.get_potential_energy(atoms))
        dynamics.run(1)
    picoseconds = 0.25e-3 * np.arange(100)
    drift = np.polyfit(picoseconds, energies, 1)[0]
    assert np.std(energies) < 1e-3
    assert max(kinetic) > 0.05
    assert np.ptp(energies_of_model) > 1e-3  # the model takes part
    assert abs(drift) * 1000.0 / len(atoms) < 1.0  # meV per atom and picosecond

"""What ASE does with a model of energies: a minimum, and a dynamics that keeps its energy."""

import warnings
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from ase import Atoms, units
from ase.calculators.calculator import PropertyNotImplementedError
from ase.io import read
from ase.md.velocitydistribution import Stationary, thermalize_momenta
from ase.md.verlet import VelocityVerlet
from ase.optimize import BFGS

from energy_cases import energy_model, predicted, some_molecule
from mepflow.models.model_file import save_model
from mepflow.prediction.predictor import DomainWarning, Predictor
from mepflow.units import BOHR_IN_ANGSTROM, HARTREE_IN_EV

MOLECULE = some_molecule(4, 6)
FRAMES: Final = Path(__file__).parents[2] / "resources/embedded/ethanol.extxyz.gz"
BONDS: Final = ([0, 1, 2, 1, 1, 0, 0, 0], [1, 2, 3, 4, 5, 6, 7, 8])
MODEL: Final = Path(__file__).with_name("ethanol-physnet.pt")
STEP_FS: Final = 1.0


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


@pytest.fixture
def ethanol() -> Atoms:
    """Ethanol, with a model of its embedded frames; made by tools/make_ethanol_model.py."""
    frames = read(FRAMES, index="::40")
    atoms = Atoms(frames[0].numbers, frames[0].positions)
    atoms.calc = Predictor.load(MODEL, double_precision=True).calculator()
    atoms.info["lengths"] = np.mean([one.get_all_distances()[BONDS] for one in frames], axis=0)
    atoms.info["forces"] = frames[0].arrays["REF_forces"]
    return atoms


@pytest.mark.filterwarnings("ignore::mepflow.prediction.predictor.DomainWarning")
def test_a_minimum_is_found_and_a_picosecond_keeps_its_energy(ethanol: Atoms) -> None:
    forces, lengths = ethanol.info.pop("forces"), ethanol.info.pop("lengths")
    assert np.abs(ethanol.get_forces() - forces).mean() < 0.2
    start = ethanol.get_potential_energy()
    assert BFGS(ethanol, logfile=None).run(fmax=0.02, steps=120)
    assert ethanol.get_potential_energy() < start - 0.1
    np.testing.assert_allclose(ethanol.get_all_distances()[BONDS], lengths, atol=0.05)

    thermalize_momenta(ethanol, 300.0, rng=np.random.default_rng(1))
    Stationary(ethanol)
    dynamics = VelocityVerlet(ethanol, STEP_FS * units.fs)
    energies, kinetic = [], []
    for _ in range(round(1000.0 / STEP_FS)):
        dynamics.run(1)
        energies.append(ethanol.get_total_energy())
        kinetic.append(ethanol.get_kinetic_energy())
    picoseconds = 1e-3 * STEP_FS * np.arange(len(energies))
    drift = np.polyfit(picoseconds, energies, 1)[0]
    assert abs(drift) * 1000.0 / len(ethanol) < 1.0  # meV per atom and picosecond
    assert np.ptp(kinetic) > 0.1  # eV: potential energy becomes heat and comes back
    np.testing.assert_allclose(ethanol.get_all_distances()[BONDS], lengths, atol=0.25)

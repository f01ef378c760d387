"""A dynamics that is interrupted, and one that leaves its domain."""

import itertools
import os
import re
import signal
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import CalculationFailed, Calculator

from dynamics_cases import WATER, Springs
from mepflow.dynamics import dynamics_run
from mepflow.dynamics.calculator_forces import CalculatorForces, SurfaceCalculator
from mepflow.dynamics.domain_guard import DomainGuard
from mepflow.dynamics.dynamics_run import JOURNAL_NAME, Dynamics, run_dynamics
from mepflow.dynamics.dynamics_settings import DynamicsSettings
from mepflow.dynamics.force_functions import Evaluated, SurfaceError
from mepflow.dynamics.trajectory import Trajectory
from mepflow.errors import ConfigError, InputError, StateError
from mepflow.molecules import Molecule
from mepflow.units import BOHR_IN_ANGSTROM, HARTREE_IN_EV

SETTINGS = DynamicsSettings(
    replicas=3,
    equilibration_ps=0.02,
    length_ps=0.03,
    frame_interval=7,
    friction_per_ps=20.0,
    production_friction_per_ps=2.0,
)
CALLS = 1 + 40 + 60
KILLED = """\
import os, signal, sys
from pathlib import Path
from dynamics_cases import WATER, Springs
from mepflow.dynamics import dynamics_run
from test_dynamics_run import SETTINGS

dynamics_run._SECONDS_PER_RECORD = 0.0
class Fatal(Springs):
    def __call__(self, positions):
        if self.calls == 70:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(positions)
dynamics_run.run_dynamics(WATER, Fatal(), SETTINGS, Path(sys.argv[1]))
"""


class Interrupted(Springs):
    """Springs during whose calls number ``at`` the power goes."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def __call__(self, positions: np.ndarray) -> Evaluated:
        if self.calls == self.at:
            raise KeyboardInterrupt
        return super().__call__(positions)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Trajectory:
    return run_dynamics(WATER, Springs(), SETTINGS, tmp_path_factory.mktemp("whole"))


@pytest.fixture
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a record every fourth step."""
    seconds = itertools.count(step=10.0)
    monkeypatch.setattr(dynamics_run.time, "monotonic", lambda: next(seconds))


def assert_same(one: Trajectory, other: Trajectory) -> None:
    for field in fields(Trajectory):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


def test_what_a_trajectory_holds(whole: Trajectory) -> None:
    assert whole.potential.shape == whole.kinetic.shape == whole.heat.shape == (3, 60)
    assert whole.dipoles.shape == (3, 60, 3)
    assert whole.positions.shape == (3, 9, 3, 3)
    found = Springs()(whole.positions[1])
    np.testing.assert_allclose(found.energy, whole.potential[1, ::7], rtol=0, atol=1e-15)
    np.testing.assert_allclose(found.dipole, whole.dipoles[1, ::7], rtol=0, atol=1e-15)
    assert whole.heat[:, 0] == pytest.approx(0.0, abs=2e-4)
    assert np.ptp(whole.heat, axis=1).min() > 1e-4
    assert np.ptp(whole.conserved, axis=1).max() < 0.2 * np.ptp(whole.heat, axis=1).max()


@pytest.mark.usefixtures("_often")
@pytest.mark.parametrize("at", [1, 20, 41, 42, 77])
def test_an_interrupted_dynamics_goes_on_to_the_same_bits(
    at: int, tmp_path: Path, whole: Trajectory
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_dynamics(WATER, Interrupted(at), SETTINGS, tmp_path)
    surface = Springs()
    assert_same(run_dynamics(WATER, surface, SETTINGS, tmp_path), whole)
    assert surface.calls <= (CALLS - at + 5 if at > 4 else CALLS)
    assert_same(run_dynamics(WATER, Interrupted(1), SETTINGS, tmp_path), whole)


def test_a_dynamics_that_was_killed_goes_on_to_the_same_bits(
    tmp_path: Path, whole: Trajectory
) -> None:
    paths = [*map(str, Path(dynamics_run.__file__).parents[2:3]), *sys.path]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*paths, str(Path(__file__).parent)])}
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL
    with (tmp_path / JOURNAL_NAME).open("ab") as file:
        file.write(b"mepflow1\x00\x00")  # a record that was cut short
    surface = Springs()
    assert_same(run_dynamics(WATER, surface, SETTINGS, tmp_path), whole)
    assert surface.calls < CALLS - 60


@pytest.mark.parametrize(
    ("molecule", "settings"),
    [
        (WATER, replace(SETTINGS, seed=2)),
        (replace(WATER, positions=WATER.positions + 0.1), SETTINGS),
        (replace(WATER, total_charge=1), SETTINGS),
    ],
)
@pytest.mark.usefixtures("_often")
def test_another_dynamics_in_the_folder_is_refused_or_superseded(
    molecule: Molecule, settings: DynamicsSettings, tmp_path: Path, whole: Trajectory
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_dynamics(molecule, Interrupted(70), settings, tmp_path)
    with pytest.raises(StateError, match="holds a dynamics of another molecule"):
        run_dynamics(WATER, Springs(), SETTINGS, tmp_path)
    run_dynamics(molecule, Springs(), settings, tmp_path)
    assert_same(run_dynamics(WATER, Springs(), SETTINGS, tmp_path), whole)


class Raised(Springs):
    """Another surface of the same name: forces are equal, energies are not."""

    def __call__(self, positions: np.ndarray) -> Evaluated:
        found = super().__call__(positions)
        return found._replace(energy=found.energy + 0.01)


@pytest.mark.usefixtures("_often")
def test_another_surface_of_the_same_name_is_told_by_its_energy(
    tmp_path: Path, whole: Trajectory
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_dynamics(WATER, Interrupted(70), SETTINGS, tmp_path)
    with pytest.raises(StateError, match="holds a dynamics of another molecule, surface"):
        run_dynamics(WATER, Raised(), SETTINGS, tmp_path)
    assert_same(run_dynamics(WATER, Springs(), SETTINGS, tmp_path), whole)
    other = run_dynamics(WATER, Raised(), SETTINGS, tmp_path)
    np.testing.assert_allclose(other.potential, whole.potential + 0.01, atol=1e-12)


class Torn(Springs):
    """Springs that break after some calls: replica 1 flies apart."""

    def __call__(self, positions: np.ndarray) -> Evaluated:
        found = super().__call__(positions)
        if self.calls > 60:
            found.forces[1, 2, 0] += 3.0
        return found


class Broken(Springs):
    def __call__(self, positions: np.ndarray) -> Evaluated:
        found = super().__call__(positions)
        if self.calls == 60:
            found.energy[2] = np.nan
        return found


class Doubtful(Springs):
    def force_spread(self, positions: np.ndarray) -> np.ndarray:
        return np.array([0.001, 0.004, 0.002]) * (self.calls > 50)


@pytest.mark.parametrize(
    ("surface", "sentence"),
    [
        (
            Torn(),
            r"Replica 1 left the domain of springs at 0\.\d+ ps: the bond O1-H3 is \d\.\d\d Å",
        ),
        (Broken(), "Replica 2 left .* at 0.029 ps: its energy is no finite number"),
        (Doubtful(), "Replica 1 left .* the models' forces differ by 0.21 eV/Å .at most 0.10"),
    ],
)
def test_who_leaves_the_domain_stops_and_keeps_what_was_before(
    surface: Springs, sentence: str, tmp_path: Path, whole: Trajectory
) -> None:
    settings = replace(SETTINGS, largest_force_spread_ev_per_angstrom=0.1)
    found = run_dynamics(WATER, surface, settings, tmp_path)
    assert len(found.stopped.splitlines()) == 1

    assert re.search(sentence, found.stopped), found.stopped
    steps = found.potential.shape[1]
    assert 5 <= steps < 60
    if not isinstance(surface, Torn):
        np.testing.assert_array_equal(found.potential, whole.potential[:, :steps])
    # What is finished is not begun again: the surface is asked once, whether it is the same.
    assert_same(run_dynamics(WATER, Interrupted(1), settings, tmp_path), found)


class Failing(Calculator):
    """Springs as a calculator of ASE, whose program fails at a call."""

    implemented_properties = ("energy", "forces", "dipole")
    at, calls = 0, 0

    def calculate(self, atoms: Any, *arguments: Any) -> None:
        super().calculate(atoms, *arguments)
        Failing.calls += 1
        if Failing.calls == Failing.at:
            raise CalculationFailed("the SCF did not\nconverge")
        inner = SurfaceCalculator(Springs())
        inner.calculate(atoms)
        self.results = inner.results


def test_a_calculator_that_fails_keeps_what_was_and_is_tried_again(tmp_path: Path) -> None:
    atoms = Atoms(WATER.atomic_numbers, WATER.positions * BOHR_IN_ANGSTROM)
    settings = replace(SETTINGS, replicas=1)
    whole = run_dynamics(WATER, CalculatorForces(atoms, Failing), settings, tmp_path / "whole")
    Failing.calls, Failing.at = 0, 60
    found = run_dynamics(WATER, CalculatorForces(atoms, Failing), settings, tmp_path)
    assert found.stopped == (
        "The calculator Failing failed (the SCF did not converge) at 0.029 ps; what was before is"
        " kept. Mend the cause, then the same call goes on from there."
    )
    assert found.potential.shape[1] == 18
    np.testing.assert_array_equal(found.potential, whole.potential[:, :18])
    assert_same(run_dynamics(WATER, CalculatorForces(atoms, Failing), settings, tmp_path), whole)
    Failing.calls, Failing.at = 0, 1
    with pytest.raises(SurfaceError, match="The calculator Failing failed"):
        run_dynamics(WATER, CalculatorForces(atoms, Failing), settings, tmp_path / "new")


def test_the_guard_knows_the_bonds_of_the_start() -> None:
    surface = Springs()
    guard = DomainGuard(WATER.atomic_numbers, WATER.positions, surface, SETTINGS)
    dynamics = Dynamics(WATER, surface, SETTINGS)
    dynamics.begin()
    assert dynamics.state is not None
    guard.check_geometry(dynamics.state, 0.0)
    stretched = replace(dynamics.state, positions=1.49 * dynamics.state.positions)
    guard.check_geometry(stretched, 0.0)
    with pytest.raises(dynamics_run.LeftDomainError, match=r"O1-H2 is 1\.45 Å long .at most 1"):
        guard.check_geometry(replace(stretched, positions=1.51 * dynamics.state.positions), 0.0)


def test_files_hold_the_same(whole: Trajectory, tmp_path: Path) -> None:
    whole.save(tmp_path / "trajectory.h5")
    assert_same(Trajectory.load(tmp_path / "trajectory.h5"), whole)
    whole.write_extxyz(tmp_path / "frames.extxyz", 2)
    frames = ase.io.read(tmp_path / "frames.extxyz", index=":")
    assert len(frames) == 9
    for number, frame in enumerate(frames):
        expected = whole.positions[2, number] * BOHR_IN_ANGSTROM
        np.testing.assert_allclose(frame.get_positions(), expected, atol=1e-7)
        energy = whole.potential[2, 7 * number] * HARTREE_IN_EV
        assert frame.get_potential_energy() == pytest.approx(energy, abs=1e-7)
        dipole = whole.dipoles[2, 7 * number] * BOHR_IN_ANGSTROM
        np.testing.assert_allclose(frame.get_dipole_moment(), dipole, atol=1e-7)
        assert frame.info["time_fs"] == pytest.approx(3.5 * number)


def test_a_file_that_is_no_trajectory_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.h5 does not exist: run a dynamics first"):
        Trajectory.load(tmp_path / "none.h5")
    (tmp_path / "bad.h5").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"bad\.h5 is no trajectory that can be read"):
        Trajectory.load(tmp_path / "bad.h5")


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"replicas": 0}, "replicas is 0: it must be above 0"),
        ({"temperature_k": -1.0}, "temperature_k is below 0"),
        ({"lenght_ps": 1.0}, "there is no key lenght_ps: did you mean length_ps"),
    ],
)
def test_settings_that_make_no_sense_are_named(row: dict[str, float], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        DynamicsSettings.from_row(row)

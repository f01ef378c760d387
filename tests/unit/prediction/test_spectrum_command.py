"""The command `spectrum`: trajectories of ours, and frames of other programs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from ase.io import write

from dynamics_cases import NUMBERS, PLACES, WATER, Springs, exact_modes
from mepflow.__main__ import main
from mepflow.dynamics.dynamics_run import run_dynamics
from mepflow.dynamics.dynamics_settings import DynamicsSettings
from mepflow.dynamics.harmonic_file import write_modes
from mepflow.dynamics.harmonic_modes import HarmonicModes, harmonic_modes
from mepflow.dynamics.infrared_spectrum import infrared_spectrum
from mepflow.dynamics.trajectory import Trajectory
from mepflow.units import BOHR_IN_ANGSTROM

SETTINGS = DynamicsSettings(
    replicas=2, temperature_k=50.0, equilibration_ps=0.1, length_ps=0.3, frame_interval=1
)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Trajectory:
    return run_dynamics(WATER, Springs(), SETTINGS, tmp_path_factory.mktemp("dynamics"))


def test_a_trajectory_and_its_frames_have_the_same_spectrum(
    found: Trajectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found.save(tmp_path / "trajectory.h5")
    write_modes(tmp_path / "modes.json", harmonic_modes(NUMBERS, PLACES, Springs()))
    ours = ["spectrum", str(tmp_path / "trajectory.h5"), "--window", "0.15"]
    ours += ["--modes", str(tmp_path / "modes.json"), "--output", str(tmp_path / "ours")]
    assert main(ours) == 0
    said = capsys.readouterr().out
    assert "km/mol per cm⁻¹" in said.splitlines()[0]
    table = pd.read_csv(tmp_path / "ours" / "spectrum.csv")
    expected = infrared_spectrum(found.dipoles, 0.5, 50.0, 0.15, verlet_step_fs=0.5)
    assert len(table) == len(expected.wavenumbers)
    np.testing.assert_allclose(table.iloc[:, 1], expected.absorption, rtol=1e-4, atol=1e-6)
    assert all((tmp_path / "ours" / f"spectrum.{end}").stat().st_size for end in ("png", "pdf"))
    strongest = table.iloc[table.iloc[:, 1].argmax(), 0]
    assert np.abs(exact_modes()[0] - strongest).min() < 250.0  # the window's resolution

    files = [tmp_path / f"replica-{number}.extxyz" for number in range(2)]
    for number, file in enumerate(files):
        found.write_extxyz(file, number)
    theirs = ["spectrum", *map(str, files), "--interval", "0.5", "--temperature", "50"]
    theirs += ["--window", "0.15", "--output", str(tmp_path / "theirs")]
    assert main(theirs) == 0
    other = pd.read_csv(tmp_path / "theirs" / "spectrum.csv")
    np.testing.assert_allclose(other.iloc[:, 1], table.iloc[:, 1], rtol=1e-2, atol=1e-3)


KNOWN = ["--interval", "1", "--temperature", "300"]


def frames(path: Path, **info: Any) -> Path:
    one = Atoms(NUMBERS, PLACES * BOHR_IN_ANGSTROM, info=info)
    write(path, [one] * 3, format="extxyz")
    return path


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["none.h5"], "none.h5 does not exist"),
        (["bare.extxyz", "--interval", "1", "--temperature", "300"], "frame 1 has no dipole"),
        (["full.extxyz"], "give --interval in fs and --temperature in K"),
        (["full.extxyz", "--interval", "0", "--temperature", "300"], "--interval is 0.0: it must"),
        (["full.extxyz", "--interval", "1", "--temperature", "300"], "0.002 ps of dipoles"),
        (["bad.extxyz", "--interval", "1", "--temperature", "300"], "is no file of frames that"),
        (["bad.h5"], "bad.h5 is no trajectory that can be read"),
        (["line.extxyz", *KNOWN], "frame 1 has no dipole of three numbers"),
        (["full.extxyz", *KNOWN, "--window", "inf"], "--window is inf: it must be above 0 and"),
        (
            ["full.extxyz", *KNOWN, "--window", "0.001"],
            "less than two steps of 1 fs: take a longer",
        ),
        (["full.extxyz", *KNOWN, "--step", "2"], "--step is 2 fs and --interval 1 fs"),
        (["bad.h5", "--interval", "1"], "leave out --interval and --step"),
        (["cold.h5", "--window", "0.1"], "cold.h5 is of 0 K: give --temperature in K"),
        (["empty.h5"], "empty.h5 holds no step: a bond is torn"),
        (
            ["full.extxyz", *KNOWN, "--recipe", "published", "--window", "1"],
            "leave out --window, or",
        ),
        (
            ["full.extxyz", *KNOWN, "--recipe", "published", "--modes", "dark.json"],
            "no intensities",
        ),
        (["bad.h5", "bad.h5"], "Give one trajectory in HDF5"),
    ],
)
def test_what_makes_no_spectrum_is_one_sentence(
    words: list[str],
    sentence: str,
    found: Trajectory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    frames(Path("bare.extxyz"))
    frames(Path("line.extxyz"), dipole=0.1)
    series = ("potential", "kinetic", "heat", "dipoles", "positions")
    nothing = {name: getattr(found, name)[:, :0] for name in series}
    replace(found, **nothing, stopped="a bond is torn").save(Path("empty.h5"))
    replace(found, temperature_k=0.0).save(Path("cold.h5"))
    frames(Path("full.extxyz"), dipole=np.array([0.0, 0.0, 0.1]))
    Path("bad.extxyz").write_text("a line of text\n")
    Path("bad.h5").write_bytes(b"nothing")
    modes = HarmonicModes(NUMBERS, PLACES, np.ones(3), np.full(3, np.nan), np.eye(9)[:3], "EMT")
    write_modes(Path("dark.json"), replace(modes, modes=modes.modes.reshape(3, 3, 3)))
    assert main(["spectrum", *words]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert len(said.splitlines()) == 1
    assert not Path("spectrum").exists()

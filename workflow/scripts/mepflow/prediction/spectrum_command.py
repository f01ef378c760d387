"""The command ``spectrum``: from the dipoles of a dynamics to its infrared spectrum."""

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mepflow.errors import ConfigError, InputError

if TYPE_CHECKING:
    from mepflow.dynamics.dipole_series import DipoleSeries
    from mepflow.dynamics.infrared_spectrum import Spectrum

_EPILOG: Final = """\
examples:
  mepflow spectrum trajectory.h5 --window 2
  mepflow spectrum replica-*.extxyz --interval 0.5 --temperature 300 --modes modes.json
"""
_SHOWN: Final = 12
"""Peaks that are printed, at most."""
_WINDOW_PS: Final = 1.0
_PUBLISHED: Final = "published"


def add_spectrum(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a parser's."""
    text = "infrared spectrum of the dipoles of a dynamics"
    parser = commands.add_parser(
        "spectrum",
        help=text,
        description=text,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    text = "a trajectory of mepflow (.h5), or files of frames with dipoles, one per replica"
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help=text)
    text = f"length of the segments that are averaged, in ps ({_WINDOW_PS:g})"
    parser.add_argument("--window", type=float, metavar="PS", help=text)
    text = "time between two frames in fs; a trajectory of mepflow knows it"
    parser.add_argument("--interval", type=float, metavar="FS", help=text)
    text = "step of the velocity Verlet dynamics in fs, whose shift is put right (the interval)"
    parser.add_argument("--step", type=float, metavar="FS", help=text)
    text = "temperature of the dynamics in K (default: what the trajectory says)"
    parser.add_argument("--temperature", type=float, metavar="K", help=text)
    text = "welch (the default), or published: a flawed recipe, for comparison (docs/infrared.md)"
    parser.add_argument("--recipe", choices=("welch", _PUBLISHED), default="welch", help=text)
    text = "harmonic modes that are drawn as sticks (mepflow.dynamics.harmonic_file)"
    parser.add_argument("--modes", type=Path, metavar="FILE", help=text)
    text = "folder to write into (%(default)s)"
    parser.add_argument("--output", type=Path, default=Path("spectrum"), help=text)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write spectrum.csv and the figure, print the peaks, and return the exit status."""
    # Imported here: other commands need not wait for SciPy and matplotlib.
    import numpy as np

    from mepflow.dynamics.dipole_series import read_dipoles
    from mepflow.dynamics.harmonic_file import read_modes
    from mepflow.dynamics.infrared_spectrum import spectrum_table
    from mepflow.plots.infrared import Sticks, plot_spectrum
    from mepflow.storage.csv_file import write_csv

    for name in ("window", "interval", "step", "temperature"):
        value = getattr(options, name)
        if value is not None and not 0.0 < value < math.inf:
            raise ConfigError(f"--{name} is {value}: it must be above 0 and finite.")
    if options.recipe == _PUBLISHED and options.window is not None:
        raise ConfigError(
            "The published recipe takes the whole trajectory as one window: leave out --window, or"
            " choose --recipe welch."
        )
    series = read_dipoles(options.files, options.interval, options.step, options.temperature)
    spectrum = _spectrum(series, options)
    sticks = []
    if options.modes is not None:
        modes = read_modes(options.modes)
        if not np.isfinite(modes.intensities).all():
            raise InputError(
                f"{options.modes} has no intensities, since its surface had no dipole: make modes"
                " with one that has, or leave out --modes."
            )
        sticks = [Sticks(f"harmonic, {modes.surface}", modes.wavenumbers, modes.intensities)]
    table = spectrum_table(spectrum)
    write_csv(table, options.output / "spectrum.csv", "%.6g")
    figures = [options.output / f"spectrum.{end}" for end in ("png", "pdf")]
    plot_spectrum(table, sticks, figures)
    sys.stdout.write(_report(spectrum, options.output))
    return 0


def _spectrum(series: "DipoleSeries", options: argparse.Namespace) -> "Spectrum":
    from mepflow.dynamics.infrared_spectrum import autocorrelation_spectrum, infrared_spectrum

    if options.recipe == _PUBLISHED:
        return autocorrelation_spectrum(series.dipoles, series.interval_fs, series.temperature_k)
    return infrared_spectrum(
        series.dipoles,
        series.interval_fs,
        series.temperature_k,
        _WINDOW_PS if options.window is None else options.window,
        verlet_step_fs=series.verlet_step_fs,
    )


def _report(spectrum: "Spectrum", output: Path) -> str:
    from scipy.signal import find_peaks

    strength, nu = spectrum.absorption, spectrum.wavenumbers
    peaks, _ = find_peaks(strength, prominence=0.05 * strength.max())
    strongest = sorted(sorted(peaks, key=lambda peak: -strength[peak])[:_SHOWN])
    lines = [f"{nu[peak]:7.0f} cm⁻¹ {strength[peak]:8.2f} km/mol per cm⁻¹" for peak in strongest]
    area, error, _ = spectrum.band(0.0, float(nu[-1]))
    return "\n".join([*lines, f"area {area:.0f} ± {error:.0f} km/mol: {output}", ""])

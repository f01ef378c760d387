r"""The infrared spectrum of a classical dynamics, in km/mol per cm⁻¹.

In the double-harmonic limit a vibration absorbs :math:`\frac{N_A}{12 \varepsilon_0 c^2}
|\partial\mu/\partial Q|^2`, and equipartition makes :math:`\langle \dot\mu^2 \rangle` of it
:math:`kT |\partial\mu/\partial Q|^2`. So

.. math:: A(\tilde\nu) = \frac{N_A}{12 \varepsilon_0 c^2} \frac{S_{\dot\mu}(\tilde\nu)}{kT}

with the one-sided spectral density S of dμ/dt has the harmonic intensities as areas. It is the same
as ν² times the Fourier transform of the dipole's autocorrelation, whose quantum correction is then
the harmonic one: no other factor belongs to it. S is estimated by Welch's method: Hann windows on
segments that overlap by half, averaged over segments, components and replicas.

Velocity Verlet moves a vibration of the angular frequency ω with ω′, where
:math:`\omega \Delta t / 2 = \sin(\omega' \Delta t / 2)`. The axis shows ω. dμ/dt is taken as
differences of neighbours, which turn an amplitude at ω′ into :math:`(2/\tau) \sin(\omega' \tau/2)`
times it, τ being the time between two dipoles; the factor to ω is put right. With τ = Δt it is 1.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import signal

from mepflow.errors import InputError
from mepflow.units import (
    ATOMIC_TIME_IN_FEMTOSECOND,
    E2_PER_ELECTRON_MASS_IN_KM_PER_MOL,
    KELVIN_IN_HARTREE,
    WAVENUMBER_IN_HERTZ,
)

FloatArray = npt.NDArray[np.float64]

_PER_CM_OF_FS: Final = 1e15 / WAVENUMBER_IN_HERTZ
"""Wavenumber in cm⁻¹ of one oscillation per femtosecond."""


@dataclass(frozen=True)
class Spectrum:
    """Wavenumbers (K,) in cm⁻¹, and the absorption (R, K) of replicas in km/mol per cm⁻¹."""

    wavenumbers: FloatArray
    of_replicas: FloatArray

    @property
    def absorption(self) -> FloatArray:
        """The mean (K,) over the replicas."""
        return np.asarray(self.of_replicas.mean(axis=0))

    @property
    def error(self) -> FloatArray:
        """The standard error (K,) of the mean over replicas; nan for one."""
        return _standard_error(self.of_replicas)

    def band(self, low: float, high: float) -> tuple[float, float, float]:
        """Return area (km/mol), its standard error, and the centre of gravity of a band, in cm⁻¹.

        The band is from ``low`` to ``high`` in cm⁻¹.
        """
        inside = (self.wavenumbers >= low) & (self.wavenumbers <= high)
        nu, parts = self.wavenumbers[inside], self.of_replicas[:, inside]
        areas = np.asarray(np.trapezoid(parts, nu, axis=1))
        mean = parts.mean(axis=0)
        total = float(np.trapezoid(mean, nu))
        centre = float(np.trapezoid(mean * nu, nu)) / total if total else float("nan")
        return total, float(_standard_error(areas[:, None])[0]), centre


def _standard_error(values: FloatArray) -> FloatArray:
    """Return the standard error (...) of the mean of ``values`` (R, ...); nan for R = 1."""
    if len(values) < 2:
        return np.full(values.shape[1:], np.nan)
    return np.asarray(values.std(axis=0, ddof=1) / np.sqrt(len(values)))


def infrared_spectrum(
    dipoles: FloatArray,
    interval_fs: float,
    temperature_k: float,
    window_ps: float,
    *,
    verlet_step_fs: float | None = None,
    highest_wavenumber: float = 4500.0,
) -> Spectrum:
    """Return the spectrum of dipoles (R, T, 3) in e·bohr, ``interval_fs`` apart.

    ``window_ps`` is the length of a segment, which gives lines a width of 48 cm⁻¹ ps divided by it.
    ``verlet_step_fs`` is the step of the integrator, whose shift is put right, or None for dipoles
    of exact motion. Raises :class:`InputError` for dipoles that are not known or too few.
    """
    length = _segment_length(dipoles, interval_fs, window_ps)
    tau = interval_fs / ATOMIC_TIME_IN_FEMTOSECOND
    slopes = np.diff(dipoles, axis=1) / tau
    frequency, density = signal.welch(
        slopes, fs=1.0 / interval_fs, nperseg=length, detrend=False, axis=1
    )
    physical, slope = _physical(frequency, verlet_step_fs)
    measured = 2.0 / interval_fs * np.sin(np.pi * frequency * interval_fs)
    with np.errstate(invalid="ignore", divide="ignore"):
        response = np.where(frequency > 0.0, 2.0 * np.pi * physical / measured, 1.0)
    wavenumbers = physical * _PER_CM_OF_FS
    # From per (oscillation per fs) of the dynamics to per cm⁻¹ of the physical axis.
    per_wavenumber = density.sum(axis=2) * response**2 / slope / _PER_CM_OF_FS
    kt = temperature_k * KELVIN_IN_HARTREE
    absorption = E2_PER_ELECTRON_MASS_IN_KM_PER_MOL / kt * per_wavenumber
    shown = wavenumbers <= highest_wavenumber
    return Spectrum(wavenumbers[shown], absorption[:, shown])


def autocorrelation_spectrum(
    dipoles: FloatArray,
    interval_fs: float,
    temperature_k: float,
    highest_wavenumber: float = 4500.0,
) -> Spectrum:
    """Return the spectrum by the recipe of DenSNet's published code (arXiv:2604.24563), in km/mol.

    The autocorrelation of the dipole less its mean, a whole Hann window from the lag 0 on, its
    Fourier transform, times ν². The window is 0 at the lag 0, where the autocorrelation is largest,
    so the transform adds up to nothing: every band stands between negative lobes, and areas mean
    nothing. It is here for comparison; :func:`infrared_spectrum` has no such flaw. ``dipoles`` are
    (R, T, 3) in e·bohr. Raises :class:`InputError` where they are not known.
    """
    _check_known(dipoles)
    n = dipoles.shape[1]
    moving = dipoles - dipoles.mean(axis=1, keepdims=True)
    full = signal.fftconvolve(moving, moving[:, ::-1], axes=1)[:, n - 1 :]
    correlation = full.sum(axis=2) / n * np.hanning(n)
    tau = interval_fs / ATOMIC_TIME_IN_FEMTOSECOND
    density = 4.0 * tau * np.fft.rfft(correlation, axis=1).real  # one-sided, per 1/atomic time
    frequency = np.asarray(np.fft.rfftfreq(n, interval_fs), dtype=np.float64)
    omega = 2.0 * np.pi * frequency * ATOMIC_TIME_IN_FEMTOSECOND
    per_wavenumber = density * omega**2 * ATOMIC_TIME_IN_FEMTOSECOND / _PER_CM_OF_FS
    kt = temperature_k * KELVIN_IN_HARTREE
    wavenumbers = frequency * _PER_CM_OF_FS
    shown = wavenumbers <= highest_wavenumber
    absorption = E2_PER_ELECTRON_MASS_IN_KM_PER_MOL / kt * per_wavenumber
    return Spectrum(wavenumbers[shown], absorption[:, shown])


def spectrum_table(spectrum: Spectrum) -> pd.DataFrame:
    """Return wavenumbers in cm⁻¹, absorption and its standard error in km/mol per cm⁻¹."""
    columns: dict[str, Any] = {
        "wavenumber_per_cm": spectrum.wavenumbers,
        "absorption_km_per_mol_cm": spectrum.absorption,
        "error_km_per_mol_cm": spectrum.error,
    }
    return pd.DataFrame(columns)


def _physical(frequency: FloatArray, verlet_step_fs: float | None) -> tuple[FloatArray, FloatArray]:
    """Return the frequencies (K,) without Verlet's shift, in 1/fs, and their slope."""
    if verlet_step_fs is None:
        return frequency, np.ones_like(frequency)
    phase = np.clip(np.pi * frequency * verlet_step_fs, 0.0, 0.49 * np.pi)
    return np.sin(phase) / (np.pi * verlet_step_fs), np.cos(phase)


def _segment_length(dipoles: FloatArray, interval_fs: float, window_ps: float) -> int:
    _check_known(dipoles)
    length = round(1000.0 * window_ps / interval_fs)
    known = dipoles.shape[1] - 1
    if length < 2:
        raise InputError(
            f"A window of the spectrum of {window_ps} ps holds less than two steps of"
            f" {interval_fs:g} fs: take a longer one."
        )
    if known < length:
        raise InputError(
            f"The dynamics has {known * interval_fs / 1000.0:.3f} ps of dipoles, a window of the"
            f" spectrum {window_ps} ps: take a shorter window or a longer dynamics."
        )
    return length


def _check_known(dipoles: FloatArray) -> None:
    if not dipoles.size or not np.isfinite(dipoles).all():
        raise InputError(
            "The dynamics has no dipoles: take a surface that gives them, or add another model's."
        )

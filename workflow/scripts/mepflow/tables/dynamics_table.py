"""Table of a dynamics: its surface among others, how it kept its energy, bands, modes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from mepflow.dynamics.conservation import mean_drift
from mepflow.storage.csv_file import read_csv, write_csv
from mepflow.tables.writing import NONE, Column, Part, counted, number, write_markdown

_NOTE: Final = (
    "Drift: slope of the total energy of a replica. Areas are those of the spectrum of the"
    " dynamics with the standard error over replicas, beside sums of the harmonic intensities of"
    " the model and of the reference level at their minima. Modes are matched by their motion."
)


def write_dynamics_table(
    surfaces: Path,
    conservation: Path,
    bands: Path,
    modes: Path,
    csv: Path,
    markdown: Path,
    settings: Mapping[str, Any],
) -> None:
    """Write files of a dynamics as Markdown, and bands as CSV.

    ``surfaces`` is of :mod:`mepflow.dynamics.surface_errors`, the others are of
    :mod:`mepflow.dynamics.dynamics_analysis`.
    """
    compared = read_csv(surfaces)
    areas, matched = read_csv(bands), read_csv(modes)
    write_csv(areas, csv)
    kept = read_csv(conservation)
    replicas = counted(int(settings["replicas"]), "replica")
    length = f"{settings['length_ps']:g} ps at {settings['temperature_k']:g} K"
    parts = [
        Part(_surfaces_heading(compared), compared, _SURFACES),
        Part(f"{replicas} of {length}: {_drift(kept)}", kept, _CONSERVATION),
        Part("Bands of the infrared spectrum", areas, _BANDS),
        Part(_modes_heading(matched), matched, _MODES),
    ]
    write_markdown(parts, markdown, title="Dynamics and infrared spectrum", note=_NOTE)


def _surfaces_heading(compared: pd.DataFrame) -> str:
    structures = counted(int(compared["n_structures"].iloc[0]), "test structure")
    total = compared["reference_intensity_sum_km_per_mol"].max()
    return (
        f"Models of energies: mean absolute errors of {structures}; harmonic modes, whose"
        f" intensities add up to {total:.0f} km/mol at the reference level"
    )


def _drift(kept: pd.DataFrame) -> str:
    drift, error = mean_drift(kept)
    return f"mean drift {1e3 * drift:.2f} ± {1e3 * error:.2f} cal/mol/ps"


def _modes_heading(matched: pd.DataFrame) -> str:
    shift = (matched["wavenumber_per_cm"] - matched["reference_wavenumber_per_cm"]).abs()
    strength = matched["intensity_km_per_mol"] - matched["reference_intensity_km_per_mol"]
    return (
        f"Harmonic modes: mean difference {shift.mean():.1f} cm⁻¹ (at most {shift.max():.0f}) and"
        f" {strength.abs().mean():.1f} km/mol"
    )


def _mean_and_largest(row: Any) -> str:
    if pd.isna(row.wavenumber_mae_per_cm):
        return NONE
    return f"{row.wavenumber_mae_per_cm:.0f} ({row.largest_wavenumber_error_per_cm:.0f})"


def _area(row: Any) -> str:
    if pd.isna(row.error_km_per_mol):
        return f"{row.area_km_per_mol:.0f}"
    return f"{row.area_km_per_mol:.0f} ± {row.error_km_per_mol:.0f}"


_SURFACES: Final = (
    Column("Model", lambda row: row.name, "left"),
    Column("Seed", lambda row: str(row.seed)),
    Column("E (kcal/mol)", number("energy_mae_kcal_per_mol", 2)),
    Column("F (kcal/mol/Å)", number("forces_mae_kcal_per_mol_angstrom", 2)),
    Column("μ (D)", number("dipole_mae_debye", 3)),
    Column("Modes, mean (largest) (cm⁻¹)", _mean_and_largest),
    Column("Intensities (km/mol)", number("intensity_mae_km_per_mol", 1)),
    Column("Their sum", number("intensity_sum_km_per_mol", 0)),
)
_CONSERVATION: Final = (
    Column("Replica", lambda row: str(row.replica)),
    Column("Temperature (K)", number("temperature_k", 0)),
    Column("Drift (kcal/mol/ps)", lambda row: f"{row.drift_kcal_per_mol_ps:+.5f}"),
    Column("Fluctuation (kcal/mol)", number("fluctuation_kcal_per_mol", 4)),
)
_BANDS: Final = (
    Column("Band", lambda row: row.band, "left"),
    Column("cm⁻¹", lambda row: f"{row.low_per_cm:.0f} to {row.high_per_cm:.0f}"),
    Column("Dynamics (km/mol)", _area),
    Column("Harmonic (km/mol)", number("harmonic_km_per_mol", 0)),
    Column("Reference (km/mol)", number("reference_km_per_mol", 0)),
    Column("Centre (cm⁻¹)", number("centre_per_cm", 0)),
    Column("Harmonic centre", number("harmonic_centre_per_cm", 0)),
    Column("Reference centre", number("reference_centre_per_cm", 0)),
)
_MODES: Final = (
    Column("Reference (cm⁻¹)", number("reference_wavenumber_per_cm", 0)),
    Column("Model (cm⁻¹)", number("wavenumber_per_cm", 0)),
    Column("Reference (km/mol)", number("reference_intensity_km_per_mol", 1)),
    Column("Model (km/mol)", number("intensity_km_per_mol", 1)),
    Column("Overlap", number("overlap", 2)),
)

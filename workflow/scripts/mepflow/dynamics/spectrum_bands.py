"""Areas of bands: of a dynamics, and of harmonic modes."""

from collections.abc import Mapping, Sequence

import pandas as pd

from mepflow.dynamics.harmonic_modes import HarmonicModes
from mepflow.dynamics.infrared_spectrum import Spectrum


def band_areas(
    spectrum: Spectrum,
    bands: Mapping[str, Sequence[float]],
    modes: Mapping[str, HarmonicModes],
) -> pd.DataFrame:
    """Return a row per band, given by its ends in cm⁻¹: area, its error, centre, harmonic sums.

    Areas and sums of the ``modes`` whose wavenumber is in the band are in km/mol, centres of
    gravity in cm⁻¹. A harmonic mode may lie beyond the end of the band that it gives in motion.
    """
    rows = []
    for name, (low, high) in bands.items():
        area, error, centre = spectrum.band(low, high)
        row = {
            "band": name,
            "low_per_cm": low,
            "high_per_cm": high,
            "area_km_per_mol": area,
            "error_km_per_mol": error,
            "centre_per_cm": centre,
        }
        for source, one in modes.items():
            inside = (one.wavenumbers >= low) & (one.wavenumbers < high)
            strength = one.intensities[inside]
            row[f"{source}_km_per_mol"] = float(strength.sum())
            total = float(strength.sum())
            row[f"{source}_centre_per_cm"] = (
                float(strength @ one.wavenumbers[inside]) / total if total else float("nan")
            )
        rows.append(row)
    return pd.DataFrame(rows)

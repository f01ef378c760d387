"""Harmonic modes of two surfaces, matched by what moves in them."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from ase.data import atomic_masses
from scipy.optimize import linear_sum_assignment
from scipy.spatial.transform import Rotation

from mepflow.dynamics.harmonic_modes import HarmonicModes
from mepflow.errors import InputError

FloatArray = npt.NDArray[np.float64]


def matched_modes(found: HarmonicModes, reference: HarmonicModes) -> pd.DataFrame:
    """Return a row per mode of the reference, with the mode of ``found`` that is most like it.

    Wavenumbers in cm⁻¹, intensities in km/mol, and the overlap, 1 for the same motion: the square
    of the modes' product after the molecule has been turned onto the reference. The pairs are those
    with the largest sum of overlaps. Raises :class:`InputError` for different molecules.
    """
    if not np.array_equal(found.atomic_numbers, reference.atomic_numbers):
        raise InputError(
            f"The modes of {found.surface} and {reference.surface} are of different molecules, or"
            " of atoms in another order: take the same molecule."
        )
    masses = atomic_masses[reference.atomic_numbers]
    places = [one - masses @ one / masses.sum() for one in (reference.positions, found.positions)]
    turning, _ = Rotation.align_vectors(*places, weights=masses)
    turned = turning.apply(found.modes.reshape(-1, 3)).reshape(len(found.modes), -1)
    overlaps = (reference.modes.reshape(len(reference.modes), -1) @ turned.T) ** 2
    rows, columns = linear_sum_assignment(-overlaps)
    return pd.DataFrame(
        {
            "reference_wavenumber_per_cm": reference.wavenumbers[rows],
            "wavenumber_per_cm": found.wavenumbers[columns],
            "reference_intensity_km_per_mol": reference.intensities[rows],
            "intensity_km_per_mol": found.intensities[columns],
            "overlap": overlaps[rows, columns],
        }
    )

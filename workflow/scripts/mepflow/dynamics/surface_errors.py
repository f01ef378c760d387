"""How good learned surfaces are: energies, forces, dipoles and harmonic modes of each model."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from mepflow.densities.density_energy_data import ENERGY, FORCES, labels_of
from mepflow.dynamics.harmonic_file import read_modes
from mepflow.dynamics.harmonic_modes import HarmonicModes, harmonic_modes, minimum
from mepflow.dynamics.learned_surfaces import load_surface
from mepflow.dynamics.mode_matching import matched_modes
from mepflow.errors import InputError
from mepflow.evaluation.sources import Source
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.selection.splits import TEST, rows_in_split
from mepflow.storage.csv_file import write_csv
from mepflow.units import BOHR_IN_ANGSTROM, E_BOHR_IN_DEBYE, HARTREE_IN_KCAL_PER_MOL

logger = logging.getLogger(__name__)

FloatArray = npt.NDArray[np.float64]

MODES_FORCE: Final = 2e-3
"""Of a minimum in single precision, in eV/Å."""
_MODES: Final = (
    "wavenumber_mae_per_cm",
    "largest_wavenumber_error_per_cm",
    "intensity_mae_km_per_mol",
    "intensity_sum_km_per_mol",
    "reference_intensity_sum_km_per_mol",
)


def evaluate_surfaces(
    models: Sequence[Source], reference: Path, splits: Path, reference_modes: Path, output: Path
) -> None:
    """Write the errors of models of energies on the test molecules, a row each, as CSV.

    Mean absolute errors of energies (kcal/mol) and of the components of forces (kcal/mol/Å) and
    dipoles (D); differences of harmonic modes at the model's own minimum, next to that of
    ``reference_modes``, in cm⁻¹ and km/mol. Raises :class:`InputError` where files are missing or
    damaged, or there is nothing to test with.
    """
    table = MoleculeTable.load(reference)
    rows = rows_in_split(table.ids, splits, TEST)
    if not len(rows):
        raise InputError(f"{splits} has no test molecules: see split in the configuration.")
    given = read_modes(reference_modes)
    found = []
    for source in models:
        errors = surface_errors(source, table.select(rows))
        errors |= mode_errors(source, reference_modes.stem, given)
        found.append({"name": source.name, "seed": source.seed, **errors})
        logger.info("%s, seed %s: evaluated", source.name, source.seed)
    write_csv(pd.DataFrame(found), output, "%.6g")


def surface_errors(source: Source, test: MoleculeTable) -> dict[str, Any]:
    """Return the mean absolute errors of a model on molecules with energies and gradients."""
    energies, forces, dipoles = [], [], []
    for rows in _alike(test):
        molecules = [test.molecule(row) for row in rows]
        surface = load_surface([source.path], molecules[0], source.name)
        found = surface(np.stack([one.positions for one in molecules]))
        for number, row in enumerate(rows):
            energies.append(found.energy[number] - labels_of(test, ENERGY)[row])
            forces.append(found.forces[number] - labels_of(test, FORCES)[test.atoms(row)])
            origin = test.property_of("origin", row)
            moved = molecules[number].total_charge * origin
            dipoles.append(found.dipole[number] - moved - test.property_of("dipole", row))
    per_angstrom = HARTREE_IN_KCAL_PER_MOL / BOHR_IN_ANGSTROM
    return {
        "n_structures": len(test),
        "energy_mae_kcal_per_mol": HARTREE_IN_KCAL_PER_MOL * np.abs(energies).mean(),
        "forces_mae_kcal_per_mol_angstrom": per_angstrom * np.abs(np.concatenate(forces)).mean(),
        "dipole_mae_debye": E_BOHR_IN_DEBYE * np.abs(dipoles).mean(),
    }


def mode_errors(source: Source, name: str, given: HarmonicModes) -> dict[str, float]:
    """Return how far the harmonic modes of a model are from given ones.

    All is nan for a model without a minimum next to theirs.
    """
    molecule = Molecule(name, given.atomic_numbers, given.positions)
    surface = load_surface([source.path], molecule, source.name)
    try:
        rest = minimum(molecule, surface, MODES_FORCE)
    except InputError as error:
        logger.warning("%s, seed %s: %s", source.name, source.seed, error)
        return dict.fromkeys(_MODES, float("nan"))
    own = harmonic_modes(given.atomic_numbers, rest, surface)
    matched = matched_modes(own, given)
    shift = (matched["wavenumber_per_cm"] - matched["reference_wavenumber_per_cm"]).abs()
    strength = matched["intensity_km_per_mol"] - matched["reference_intensity_km_per_mol"]
    sums = own.intensities.sum(), given.intensities.sum()
    return dict(zip(_MODES, (shift.mean(), shift.max(), strength.abs().mean(), *sums), strict=True))


def _alike(table: MoleculeTable) -> list[list[int]]:
    """Return the rows of molecules with the same atoms in the same order."""
    groups: dict[bytes, list[int]] = {}
    for row in range(len(table)):
        groups.setdefault(table.molecule(row).atomic_numbers.tobytes(), []).append(row)
    return list(groups.values())

"""What one SCF gives as labels: multipoles, charges, gradient, density, potential on grids."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mepflow.archives.label_columns import SECOND_LEVEL
from mepflow.archives.label_points import points_checksum
from mepflow.errors import InputError
from mepflow.geometry.grids import grid_points
from mepflow.molecules import Molecule
from mepflow.multipoles import centre_of_nuclear_charge, components
from mepflow.qm.density_coefficients import density_coefficients
from mepflow.qm.energy_gradient import energy_gradient, is_hybrid_meta_gga
from mepflow.qm.levels import LevelOfTheory
from mepflow.qm.orbital_integration import OrbitalIntegration
from mepflow.qm.pro_atoms import pro_atom
from mepflow.qm.properties import lowdin_charges, molecular_properties, potential_on_points
from mepflow.qm.scf import MEMORY_MEGABYTE, run_scf
from mepflow.qm.stockholder import (
    GridDensity,
    atomic_multipoles,
    fit_shells,
    hirshfeld_charges,
    initial_shells,
)

FloatArray = npt.NDArray[np.float64]
Record = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class LabelSettings:
    """What is computed: a level of theory and grids, and what a second level is computed on.

    With ``moments_alone`` the columns ``OF_THE_DENSITY`` are not.
    """

    level: LevelOfTheory
    grids: Mapping[str, Mapping[str, Any]]
    second_level: LevelOfTheory | None = None
    second_grids: tuple[str, ...] = field(default=())
    moments_alone: bool = False


def label_record(
    molecule: Molecule, settings: LabelSettings, memory_megabyte: int = MEMORY_MEGABYTE
) -> Record:
    """Return the labels of a molecule by name, in atomic units, and what they cost.

    A calculation that cannot be done or does not converge gives ``failure`` and the cost alone.
    """
    start = time.process_time()
    try:
        record = _computed(molecule, settings, memory_megabyte)
    except (InputError, RuntimeError, ArithmeticError, ValueError, np.linalg.LinAlgError) as error:
        record = {"failure": np.array(str(error))}
    record["cpu_seconds"] = np.array(time.process_time() - start)
    return record


def _computed(molecule: Molecule, settings: LabelSettings, memory_megabyte: int) -> Record:
    mean_field, cycles = _converged(molecule, settings.level, memory_megabyte)
    origin = centre_of_nuclear_charge(molecule.atomic_numbers, molecule.positions)
    record: Record = dict(molecular_properties(mean_field, origin))
    density_matrix, overlap = mean_field.make_rdm1(), mean_field.get_ovlp()
    record["lowdin_charges"] = lowdin_charges(mean_field.mol, density_matrix, overlap)
    points = {
        name: grid_points(row, molecule.atomic_numbers, molecule.positions)
        for name, row in settings.grids.items()
    }
    for name, places in points.items():
        record[f"mep/{name}"] = potential_on_points(mean_field, places)
        record[f"points_checksum/{name}"] = np.array(points_checksum(places), np.uint64)
    record["functions"] = np.array(mean_field.mol.nao)
    record["grid_size"] = np.array(len(mean_field.grids.weights))
    record["scf_cycles"] = np.array(cycles)
    if not settings.moments_alone:
        record |= _of_the_density(molecule, settings.level, mean_field)
    if settings.second_level is not None:
        record |= _second(molecule, settings, points, memory_megabyte)
    return record


def _converged(molecule: Molecule, level: LevelOfTheory, memory_megabyte: int) -> tuple[Any, int]:
    integration = OrbitalIntegration() if is_hybrid_meta_gga(level.functional) else None
    result = run_scf(molecule, level, 1, memory_megabyte, integration)
    if not result.converged:
        raise RuntimeError(f"SCF at {level.name} not converged after {result.cycles} cycles")
    return result.mean_field, result.cycles


def _of_the_density(molecule: Molecule, level: LevelOfTheory, mean_field: Any) -> Record:
    """Return the columns ``OF_THE_DENSITY``."""
    gradient, density = energy_gradient(mean_field)
    return {
        "density_coefficients": density_coefficients(mean_field),
        "gradient": gradient,
        **_divided(molecule, level, density, mean_field.mol.atom_charges()),
    }


def _divided(
    molecule: Molecule, level: LevelOfTheory, density: GridDensity, nuclear: FloatArray
) -> Record:
    """Return MBIS multipoles, with raw second moments (n, 6), and Hirshfeld's charges."""
    grid = density.without_negligible_points()
    numbers = molecule.atomic_numbers.astype(np.int64)
    core = numbers - nuclear.astype(np.int64)
    shells = fit_shells(grid, molecule.positions, initial_shells(numbers, core))
    multipoles = atomic_multipoles(grid, molecule.positions, nuclear, shells)
    free = [pro_atom(int(number), level.basis) for number in numbers]
    return {
        "mbis_charges": multipoles["charges"][:, 0],
        "mbis_dipoles": multipoles["dipoles"],
        "mbis_second_moments": components(multipoles["quadrupoles"]),
        "hirshfeld_charges": hirshfeld_charges(grid, molecule.positions, nuclear, free),
    }


def _second(
    molecule: Molecule,
    settings: LabelSettings,
    points: Mapping[str, FloatArray],
    memory_megabyte: int,
) -> Record:
    """Return energy, multipoles and potential at the second level of theory."""
    assert settings.second_level is not None
    mean_field, _ = _converged(molecule, settings.second_level, memory_megabyte)
    origin = centre_of_nuclear_charge(molecule.atomic_numbers, molecule.positions)
    values = molecular_properties(mean_field, origin)
    record: Record = {
        SECOND_LEVEL + name: values[name] for name in ("energy", "dipole", "quadrupole")
    }
    for name in settings.second_grids:
        record[f"mep/{SECOND_LEVEL}{name}"] = potential_on_points(mean_field, points[name])
    return record

"""The reference calculation of one molecule: an SCF, its properties, the MEP on its grids."""

import logging
import time
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from mepflow.errors import InputError, MepflowError
from mepflow.fields import FIELDS
from mepflow.geometry.grids import grid_points
from mepflow.molecules import Molecule
from mepflow.multipoles import centre_of_nuclear_charge
from mepflow.qm.energy_gradient import energy_gradient
from mepflow.qm.levels import LevelOfTheory
from mepflow.qm.properties import molecular_properties, potential_on_points
from mepflow.qm.scf import MEMORY_MEGABYTE, ScfResult, run_scf

log = logging.getLogger(__name__)

Record = dict[str, npt.NDArray[Any]]

PROPERTIES: Final = (
    "energy",
    "dipole",
    "quadrupole",
    "origin",
    "homo",
    "lumo",
    "electronic_spatial_extent",
    "mulliken_charges",
    "scf_converged",
    "scf_cycles",
    "wall_time",
)
"""The fields of every reference record, in the order of the file."""


def record_fields(*, gradient: bool) -> tuple[str, ...]:
    """Return the fields of a record, in the order of the file."""
    return (*PROPERTIES, "gradient") if gradient else PROPERTIES


def reference_record(
    molecule: Molecule,
    level: LevelOfTheory,
    grids: Mapping[str, Mapping[str, Any]],
    threads: int = 1,
    memory_megabyte: int = MEMORY_MEGABYTE,
    *,
    gradient: bool = False,
) -> Record:
    """Return :data:`PROPERTIES`, ``failure``, and ``points/{grid}``, ``mep/{grid}`` of a molecule.

    With ``gradient`` it has the energy's, too, at the cost of about one more SCF.
    A calculation that raises or does not converge gives NaN properties, empty grids and the reason
    in ``failure``: it is recorded, not raised, so that a shard goes on. Raised are errors that are
    not the molecule's: of the settings (:class:`mepflow.errors.ConfigError`), of memory and disks.
    """
    start = time.perf_counter()
    try:
        result = run_scf(molecule, level, threads, memory_megabyte)
        if result.converged:
            record = _computed(molecule, result, grids)
            if gradient:
                record["gradient"] = energy_gradient(result.mean_field)[0]
            return record | _outcome("", True, result.cycles, start)
    except InputError as error:
        return _failed(molecule, grids, gradient, str(error), 0, start)
    except (MepflowError, MemoryError, OSError):
        raise
    except Exception as error:  # whatever a library raises on a strange molecule
        log.warning("%s: the calculation raised", molecule.id, exc_info=True)
        return _failed(molecule, grids, gradient, f"{type(error).__name__}: {error}", 0, start)
    reason = f"SCF not converged after {result.cycles} cycles"
    return _failed(molecule, grids, gradient, reason, result.cycles, start)


def _computed(molecule: Molecule, result: ScfResult, grids: Mapping[str, Any]) -> Record:
    """Return the properties of a converged SCF, and the MEP on the points of each grid."""
    origin = centre_of_nuclear_charge(molecule.atomic_numbers, molecule.positions)
    record: Record = dict(molecular_properties(result.mean_field, origin))
    for name, settings in grids.items():
        points = grid_points(settings, molecule.atomic_numbers, molecule.positions)
        record[f"points/{name}"] = points
        record[f"mep/{name}"] = potential_on_points(result.mean_field, points)
    return record


def _failed(
    molecule: Molecule,
    grids: Mapping[str, Any],
    gradient: bool,
    reason: str,
    cycles: int,
    start: float,
) -> Record:
    log.warning("%s failed: %s", molecule.id, reason)
    record: Record = {}
    for name in record_fields(gradient=gradient):
        rows = () if FIELDS[name].per == "molecule" else (len(molecule),)
        record[name] = np.full((*rows, *FIELDS[name].shape), np.nan)
    for name in grids:
        record[f"points/{name}"] = np.empty((0, 3))
        record[f"mep/{name}"] = np.empty(0)
    return record | _outcome(reason, False, cycles, start)


def _outcome(failure: str, converged: bool, cycles: int, start: float) -> Record:
    return {
        "failure": np.array(failure),
        "scf_converged": np.array(float(converged)),
        "scf_cycles": np.array(float(cycles)),
        "wall_time": np.array(time.perf_counter() - start),
    }

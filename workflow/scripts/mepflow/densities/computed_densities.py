"""Test molecules computed again: their exact densities, and the best fits in a basis."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from mepflow.densities.density_fitting import fitted_coefficients, with_potential
from mepflow.densities.density_functions import potential_matrix
from mepflow.densities.density_labels import DensityLabels
from mepflow.densities.density_moments import function_moments
from mepflow.densities.free_atoms import superposed_atoms
from mepflow.densities.label_fits import nuclear_potential
from mepflow.densities.pyscf_basis import fitting_molecule, projections
from mepflow.errors import InputError
from mepflow.geometry.grids import grid_points, plane_of
from mepflow.geometry.planes import Plane
from mepflow.molecules import Molecule
from mepflow.multipoles import centre_of_nuclear_charge
from mepflow.qm.levels import LevelOfTheory
from mepflow.qm.properties import molecular_properties, potential_on_points
from mepflow.qm.scf import run_scf
from mepflow.selection.splits import TEST
from mepflow.storage.tensor_file import read_tensor_file, write_tensor_file

FloatArray = npt.NDArray[np.float64]

logger = logging.getLogger(__name__)

FORMAT: Final = "mepflow computed densities"
FORMAT_VERSION: Final = 1
FREE_ATOMS: Final = "free-atoms"
FITS: Final = ("fit-overlap", "fit-coulomb", "fit-coulomb-dipole", "fit-potential")
"""Metrics of the fits: overlap; Coulomb; Coulomb with the exact dipole; that of the labels."""
LABELS_FIT: Final = "fit-potential"
_NEGLIGIBLE_ELECTRONS: Final = 1e-9


@dataclass(frozen=True)
class ComputedDensity:
    """A molecule's exact density and fits to it, in atomic units.

    ``density`` (p,) at the ``points`` (p, 3) of an integration grid with ``weights`` (p,); dipole
    (3,), Θ′ (3, 3); by grid the places (g, 3) and the MEP (g,) there; ``plane`` through the heavy
    atoms with the density (n, m) there; by name the coefficients (P,) of :data:`FREE_ATOMS` and
    :data:`FITS`.
    """

    id: str
    points: FloatArray
    weights: FloatArray
    density: FloatArray
    dipole: FloatArray
    quadrupole: FloatArray
    places: dict[str, FloatArray]
    mep: dict[str, FloatArray]
    plane: dict[str, Any]
    plane_density: FloatArray
    coefficients: dict[str, FloatArray]


def write_computed_densities(
    labels: Path,
    level_name: str,
    level: Mapping[str, Any],
    grids: Mapping[str, Mapping[str, Any]],
    fitted_grid: str,
    plane: Mapping[str, Any],
    count: int,
    output: Path,
    threads: int = 1,
) -> None:
    """Compute the first ``count`` test molecules of ``labels`` and write them, atomically.

    ``level`` is the row of the level of theory, ``grids`` the rows of those whose potentials are
    compared, ``fitted_grid`` the one of the labels, ``plane`` the row of the picture. Raises
    :class:`InputError` where a calculation does not converge.
    """
    known = DensityLabels.load(labels)
    theory = LevelOfTheory.from_row(level_name, level)
    found = []
    for one in known.of_split(TEST)[:count]:
        molecule = Molecule(one.id, one.numbers.astype(np.uint8), one.positions, one.charge)
        result = run_scf(molecule, theory, threads)
        if not result.converged:
            raise InputError(
                f"The SCF of {one.id} at {level_name} does not converge: leave it out."
            )
        found.append(_computed(molecule, result.mean_field, known, grids, fitted_grid, plane))
        logger.info("%s: computed", one.id)
    rows = [{f.name: _plain(getattr(one, f.name)) for f in fields(one)} for one in found]
    content = {"format": FORMAT, "format_version": FORMAT_VERSION, "molecules": rows}
    write_tensor_file(output, content)


def _computed(
    molecule: Molecule,
    mean_field: Any,
    labels: DensityLabels,
    grids: Mapping[str, Mapping[str, Any]],
    fitted_grid: str,
    plane: Mapping[str, Any],
) -> ComputedDensity:
    matrix = mean_field.make_rdm1()
    integration = mean_field.grids
    density = mean_field._numint.get_rho(mean_field.mol, matrix, integration)
    held = integration.weights * density > _NEGLIGIBLE_ELECTRONS
    origin = centre_of_nuclear_charge(molecule.atomic_numbers, molecule.positions)
    properties = molecular_properties(mean_field, origin)
    atoms = (molecule.atomic_numbers, molecule.positions)
    places = {name: grid_points(row, *atoms) for name, row in grids.items()}
    mep = {name: potential_on_points(mean_field, points) for name, points in places.items()}
    picture = plane_of(plane, *atoms)
    functions = mean_field.mol.eval_gto("GTOval_sph", picture.points())
    return ComputedDensity(
        molecule.id,
        integration.coords[held],
        integration.weights[held],
        np.asarray(density[held]),
        properties["dipole"],
        properties["quadrupole"],
        places,
        mep,
        picture.to_metadata(),
        np.einsum("pi,ij,pj->p", functions, matrix, functions).reshape(picture.shape),
        _fits(
            molecule,
            mean_field,
            labels,
            properties["dipole"],
            places[fitted_grid],
            mep[fitted_grid],
        ),
    )


def _fits(
    molecule: Molecule,
    mean_field: Any,
    labels: DensityLabels,
    dipole: FloatArray,
    points: FloatArray,
    mep: FloatArray,
) -> dict[str, FloatArray]:
    """Return the coefficients by name; the potential counts on ``points`` (p, 3)."""
    numbers, basis = molecule.atomic_numbers.astype(np.int64), labels.basis
    origin = centre_of_nuclear_charge(numbers, molecule.positions)
    positions = molecule.positions - origin
    auxiliary = fitting_molecule(basis.name, numbers, molecule.positions)
    matrix = mean_field.make_rdm1()
    coulomb = auxiliary.intor("int2c2e")
    right = projections(mean_field.mol, auxiliary, matrix, "int3c2e")
    overlap = auxiliary.intor("int1e_ovlp")
    right_overlap = projections(mean_field.mol, auxiliary, matrix, "int3c1e")
    moments = function_moments(basis, numbers, positions)
    electrons = np.array([float(numbers.sum() - molecule.total_charge)])
    number = moments.number[None]
    with_dipole = np.concatenate([number, moments.first])
    target = np.concatenate([electrons, numbers @ positions - dipole])
    potentials = potential_matrix(basis, numbers, molecule.positions, points)
    electronic = nuclear_potential(numbers, molecule.positions, points) - mep
    weighted = with_potential(coulomb, right, potentials, electronic, labels.weight)
    return {
        FREE_ATOMS: superposed_atoms(numbers, labels.free_atoms),
        "fit-overlap": fitted_coefficients(overlap, right_overlap, number, electrons),
        "fit-coulomb": fitted_coefficients(coulomb, right, number, electrons),
        "fit-coulomb-dipole": fitted_coefficients(coulomb, right, with_dipole, target),
        LABELS_FIT: fitted_coefficients(*weighted, number, electrons),
    }


def load_computed_densities(path: Path) -> list[ComputedDensity]:
    """Read the file; raises :class:`InputError` where it is missing, damaged or of another kind."""
    try:
        content = read_tensor_file(path)
        if (content["format"], content["format_version"]) != (FORMAT, FORMAT_VERSION):
            raise ValueError("it is of another format or version")
        return [
            ComputedDensity(**{name: _array(value) for name, value in row.items()})
            for row in content["molecules"]
        ]
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: run the rule that makes it.") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path} holds no computed densities ({error}): delete it.") from error


def picture_plane(computed: ComputedDensity) -> Plane:
    """Return the plane of a molecule's picture."""
    return Plane.from_metadata(computed.plane)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return torch.as_tensor(np.ascontiguousarray(value)) if isinstance(value, np.ndarray) else value


def _array(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _array(one) for name, one in value.items()}
    return value.numpy() if isinstance(value, torch.Tensor) else value


def require_molecules(computed: Sequence[ComputedDensity], path: Path) -> None:
    """Raise :class:`InputError` where a file holds no molecule."""
    if not computed:
        raise InputError(f"{path} holds no molecule: raise densities.compared.")

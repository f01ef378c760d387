"""Test molecules computed again: their exact densities, and the best fits in a basis."""

import hashlib
import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from mepflow.densities.density_labels import DensityLabels, LabelledDensity
from mepflow.densities.reference_fits import FittedMolecule, reference_fits
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
FORMAT_VERSION: Final = 2
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
    coefficients: dict[str, dict[str, FloatArray]]


@dataclass(frozen=True)
class Comparison:
    """What is computed: rows of the level of theory and of grids, and names of basis sets.

    The potentials on ``grids`` are compared, that on ``fitted_grid``, one of them, counts in fits;
    ``plane`` is the row of the picture's.
    """

    level_name: str
    level: Mapping[str, Any]
    grids: Mapping[str, Mapping[str, Any]]
    fitted_grid: str
    plane: Mapping[str, Any]
    bases: Sequence[str]


def write_computed_densities(
    labels: Path,
    comparison: Comparison,
    count: int,
    output: Path,
    state_folder: Path,
    threads: int = 1,
    code: str = "",
) -> None:
    """Compute the first ``count`` test molecules of ``labels`` and write them, atomically.

    Each is kept in ``state_folder`` when it is done: after a kill, the same call goes on with the
    next one. Molecules of other labels, settings or ``code`` there are computed anew. Raises
    :class:`InputError` where a calculation does not converge.
    """
    known = DensityLabels.load(labels)
    theory = LevelOfTheory.from_row(comparison.level_name, comparison.level)
    decisive = [known.digest(), asdict(comparison), code]
    key = hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()
    rows = []
    for number, one in enumerate(known.of_split(TEST)[:count]):
        kept = state_folder / f"{number}.pt"
        if _kept_row(kept, key) is None:
            row = _row(_computed(one, theory, known, comparison, threads))
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_tensor_file(kept, {"key": key, "row": row})
            logger.info("%s: computed", one.id)
        # Always out of the file: so the result has the same bytes after a kill.
        rows.append(_kept_row(kept, key))
    content = {"format": FORMAT, "format_version": FORMAT_VERSION, "molecules": rows}
    write_tensor_file(output, content)
    shutil.rmtree(state_folder, ignore_errors=True)


def _kept_row(path: Path, key: str) -> dict[str, Any] | None:
    """Return what an earlier call has finished; None where it has not, or for something else."""
    try:
        content = read_tensor_file(path)
        return content["row"] if content["key"] == key else None
    except (FileNotFoundError, ValueError, LookupError, TypeError):
        return None


def _computed(
    one: LabelledDensity,
    theory: LevelOfTheory,
    labels: DensityLabels,
    comparison: Comparison,
    threads: int,
) -> ComputedDensity:
    molecule = Molecule(one.id, one.numbers.astype(np.uint8), one.positions, one.charge)
    result = run_scf(molecule, theory, threads)
    if not result.converged:
        raise InputError(
            f"The SCF of {one.id} at {theory.name} does not converge: leave it out of the dataset."
        )
    mean_field, atoms = result.mean_field, (molecule.atomic_numbers, molecule.positions)
    matrix, integration = mean_field.make_rdm1(), mean_field.grids
    density = mean_field._numint.get_rho(mean_field.mol, matrix, integration)
    held = integration.weights * density > _NEGLIGIBLE_ELECTRONS
    properties = molecular_properties(mean_field, centre_of_nuclear_charge(*atoms))
    places = {name: grid_points(row, *atoms) for name, row in comparison.grids.items()}
    mep = {name: potential_on_points(mean_field, points) for name, points in places.items()}
    picture = plane_of(comparison.plane, *atoms)
    functions = mean_field.mol.eval_gto("GTOval_sph", picture.points())
    grid = comparison.fitted_grid
    fitted = FittedMolecule(
        mean_field, molecule, properties["dipole"], places[grid], mep[grid], labels.weight
    )
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
        {name: reference_fits(fitted, name, labels.orbital_basis) for name in comparison.bases},
    )


def _row(computed: ComputedDensity) -> dict[str, Any]:
    return {field.name: _plain(getattr(computed, field.name)) for field in fields(computed)}


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

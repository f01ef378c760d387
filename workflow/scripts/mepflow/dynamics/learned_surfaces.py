"""Which surface a model's file holds, and the potential that it predicts."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mepflow.densities.density_energy_model import DensityEnergyModel
from mepflow.densities.density_functions import molecular_potential
from mepflow.dynamics.density_forces import DensityForces
from mepflow.dynamics.force_functions import ForceFunction
from mepflow.dynamics.model_forces import ModelForces
from mepflow.electrostatics.atomic_terms import predicted_terms
from mepflow.electrostatics.penetration import Widths, known_shells
from mepflow.electrostatics.potential import potential
from mepflow.models.model_file import load_model
from mepflow.models.model_formats import DENSITY_ENERGY, model_format
from mepflow.models.predict import predict_table
from mepflow.molecules import Molecule, MoleculeTable

FloatArray = npt.NDArray[np.float64]
Potentials = Callable[[Sequence[Molecule], Sequence[FloatArray]], FloatArray]
"""From G molecules of V points (V, 3) each, in bohr, to potentials (G, V) in hartree/e."""


def load_surface(paths: Sequence[Path], molecule: Molecule, name: str) -> ForceFunction:
    """Return the surface of models of one kind, of which the first moves a molecule.

    Raises :class:`~mepflow.errors.InputError` for a file that is no model with energies, or whose
    model does not know an element.
    """
    if model_format(paths[0]) == DENSITY_ENERGY:
        return DensityForces.load(paths, molecule, name)
    return ModelForces.load(paths, molecule)


def load_potentials(path: Path, widths: Widths | None) -> Potentials:
    """Return the potentials of a model: of its density, or of its atomic multipoles.

    The latter have penetration where ``widths`` have all elements. Raises
    :class:`~mepflow.errors.InputError` for a file that is no such model.
    """
    if model_format(path) == DENSITY_ENERGY:
        return _of_densities(path)
    return _of_multipoles(path, widths)


def _of_densities(path: Path) -> Potentials:
    density = DensityEnergyModel.load(path).density

    def potentials(molecules: Sequence[Molecule], points: Sequence[FloatArray]) -> FloatArray:
        found = [
            molecular_potential(
                density.basis,
                one.atomic_numbers.astype(np.int64),
                one.positions,
                density.coefficients(one),
                where,
            )
            for one, where in zip(molecules, points, strict=True)
        ]
        return np.stack(found)

    return potentials


def _of_multipoles(path: Path, widths: Widths | None) -> Potentials:
    model = load_model(path, "cpu")[0]

    def potentials(molecules: Sequence[Molecule], points: Sequence[FloatArray]) -> FloatArray:
        table = MoleculeTable.from_molecules(list(molecules))
        predicted = predict_table(model, table, source=path)
        shells = known_shells(molecules[0].atomic_numbers, widths)
        found = [
            potential(where, one.positions, *predicted_terms(predicted, row), penetration=shells)
            for row, (one, where) in enumerate(zip(molecules, points, strict=True))
        ]
        return np.stack(found)

    return potentials

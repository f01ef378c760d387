"""Models of energies from densities as a surface: all replicas of a molecule in one call."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch

from mepflow.densities.auxiliary_basis import function_table
from mepflow.densities.density_batch import DensityGraph, joined
from mepflow.densities.density_energy_model import DensityEnergyModel
from mepflow.densities.density_moments import function_moments
from mepflow.dynamics.force_functions import Evaluated, spread_of_models
from mepflow.molecules import Molecule

FloatArray = npt.NDArray[np.float64]


class DensityForces:
    """The surface of the first of some models; the others say how sure it is.

    Forces are derivatives through energy and density network; the dipole is that of the density.
    """

    def __init__(
        self, models: Sequence[DensityEnergyModel], molecule: Molecule, name: str = "the model"
    ) -> None:
        self.description = name
        self._models, self._molecule = list(models), molecule
        for model in models:
            model.density.basis.require(molecule.atomic_numbers)
        numbers = molecule.atomic_numbers.astype(np.int64)
        basis = models[0].density.basis
        # About the atom of each function; its charge times the atom's place comes on top.
        at_atom = function_moments(basis, numbers, np.zeros_like(molecule.positions))
        self._own, self._charges = at_atom.first, at_atom.number

    @classmethod
    def load(
        cls,
        paths: Sequence[Path],
        molecule: Molecule,
        name: str = "the model",
        dtype: torch.dtype = torch.float32,
    ) -> Self:
        """Read the models of files, the seeds of one row, for one molecule.

        In single precision, as they were trained, replicas take a third of the time.
        Raises :class:`~mepflow.errors.InputError` for a file that is no such model, or whose model
        does not know an element.
        """
        return cls([DensityEnergyModel.load(path, dtype) for path in paths], molecule, name)

    def __call__(self, positions: FloatArray) -> Evaluated:
        """Return energies, forces and dipoles at positions (R, n, 3) in bohr."""
        model = self._models[0]
        graph = self._graph(model, positions)
        found = model.energies_and_forces(graph)
        with torch.no_grad():
            coefficients = model.density.network.coefficients(graph, found.whitened)
        of_replicas = coefficients.cpu().double().numpy().reshape(len(positions), -1)
        references = model.units.of_elements(self._molecule.atomic_numbers.tolist()).sum()
        return Evaluated(
            found.energy.detach().cpu().numpy() + references,
            found.forces.cpu().double().numpy().reshape(positions.shape),
            self._dipoles(positions, of_replicas),
        )

    def force_spread(self, positions: FloatArray) -> FloatArray | None:
        """Return the root mean square (R,) over atoms of the models' spread, hartree/bohr."""
        if len(self._models) < 2:
            return None
        forces = [
            model.energies_and_forces(self._graph(model, positions)).forces.cpu().double().numpy()
            for model in self._models
        ]
        return spread_of_models(np.stack(forces).reshape(len(forces), *positions.shape))

    def _graph(self, model: DensityEnergyModel, positions: FloatArray) -> DensityGraph:
        graphs = [model.density.graph(self._at(place)) for place in positions]
        weights = model.network.readout
        return joined(graphs, model.density.network.layout.width).to(weights.device, weights.dtype)

    def _at(self, positions: FloatArray) -> Molecule:
        one = self._molecule
        return Molecule(one.id, one.atomic_numbers, positions, one.total_charge)

    def _dipoles(self, positions: FloatArray, coefficients: FloatArray) -> Any:
        """Return the dipoles (R, 3) in e·bohr of nuclei and densities (R, P) about the origin."""
        numbers = self._molecule.atomic_numbers.astype(np.int64)
        atoms = function_table(self._models[0].density.basis, numbers).atoms
        electrons = np.zeros((len(positions), len(numbers)))
        np.add.at(electrons.T, atoms, (coefficients * self._charges).T)
        return np.einsum("rn,rni->ri", numbers - electrons, positions) - coefficients @ self._own.T

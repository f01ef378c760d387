"""Models of energies as a surface: all replicas of a molecule in one call."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import torch

from mepflow.dynamics.force_functions import Evaluated, spread_of_models
from mepflow.elements import symbol
from mepflow.errors import InputError
from mepflow.models.energy_model import EnergyModel, forces_of, with_free_positions
from mepflow.models.model_file import load_model
from mepflow.models.multipole_model import Batch
from mepflow.molecules import Molecule
from mepflow.multipoles import centre_of_nuclear_charge
from mepflow.nn.graph import UNKNOWN_SPECIES, build_graph, species_of
from mepflow.units import BOHR_IN_ANGSTROM

FloatArray = npt.NDArray[np.float64]


class ModelForces:
    """The surface of the first of some models of energies; the others say how sure it is."""

    def __init__(
        self, models: Sequence[EnergyModel], molecule: Molecule, name: str = "the model"
    ) -> None:
        self.description = name
        self._models, self._molecule = list(models), molecule

    @classmethod
    def load(cls, paths: Sequence[Path], molecule: Molecule, device: str = "cpu") -> Self:
        """Read the models of files, the seeds of one variant, for one molecule.

        Raises :class:`InputError` for a file that is no model of energies, or whose model does not
        know an element.
        """
        models = []
        for path in paths:
            model, _ = load_model(path, device)
            if not isinstance(model, EnergyModel):
                raise InputError(
                    f"{path}: the variant {model.variant.name} learned no energies: take one that"
                    " did, such as AC-EFD of the study energies."
                )
            elements = model.settings.elements
            unknown = species_of(molecule.atomic_numbers, elements) == UNKNOWN_SPECIES
            if unknown.any():
                raise InputError(
                    f"{path}: the model knows {', '.join(map(symbol, elements))}, not"
                    f" {symbol(int(molecule.atomic_numbers[unknown][0]))}: train one that does."
                )
            models.append(model)
        return cls(models, molecule, models[0].variant.name)

    def __call__(self, positions: FloatArray) -> Evaluated:
        """Return energies, forces and dipoles at positions (R, n, 3) in bohr."""
        return self._of(self._models[0], positions)

    def force_spread(self, positions: FloatArray) -> FloatArray | None:
        """Return the root mean square (R,) over atoms of the models' spread, hartree/bohr."""
        if len(self._models) < 2:
            return None
        forces = np.stack([self._of(model, positions).forces for model in self._models])
        return spread_of_models(forces)

    def _of(self, model: EnergyModel, positions: FloatArray) -> Evaluated:
        batch = self._batch(model, positions)
        with torch.enable_grad():
            free, places = with_free_positions(batch)
            found = model(free)
            forces = forces_of(found.energy, places, create_graph=False)
        numbers = self._molecule.atomic_numbers
        references = model.units.of_elements(numbers.tolist()).sum()
        # The model's dipole is about the centre of nuclear charge, which moves in a vibration.
        centres = np.array([centre_of_nuclear_charge(numbers, one) for one in positions])
        dipole = found.multipoles.dipole.detach().double().cpu().numpy()
        return Evaluated(
            found.energy.detach().double().cpu().numpy() + references,
            forces.double().cpu().numpy().reshape(positions.shape),
            dipole + self._molecule.total_charge * centres,
        )

    def _batch(self, model: EnergyModel, positions: FloatArray) -> Batch:
        """Return the replicas as the model takes them; sums are in double precision."""
        numbers = self._molecule.atomic_numbers
        species = species_of(numbers, model.settings.elements)
        weights = next(model.parameters())
        replicas = [(species, one * BOHR_IN_ANGSTROM) for one in positions]
        graph = build_graph(replicas, model.settings.cutoff_angstrom)
        centred = [one - centre_of_nuclear_charge(numbers, one) for one in positions]
        return Batch(
            graph.to(weights.device, weights.dtype),
            torch.from_numpy(np.concatenate(centred)).to(weights.device),
            torch.full(
                (len(positions),), float(self._molecule.total_charge), dtype=torch.float64
            ).to(weights.device),
        )

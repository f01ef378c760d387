r"""A model of energies from a learned density: two networks, one after the other, as one file.

.. math:: E = \sum_i (E_{Z_i} + s\, e_i(x, R))

with whitened coefficients x(R) of the density network, the numbers :math:`e_i` of the energy
network, and references :math:`E_Z` of the elements and a scale s
(:mod:`mepflow.models.energy_units`). Forces are derivatives through both networks,

.. math:: F = -\frac{\partial E}{\partial R} - \frac{\partial E}{\partial x} \frac{dx}{dR} .

Sums over a molecule are in double precision.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import torch
from torch import Tensor

from mepflow.densities.density_batch import DensityGraph
from mepflow.densities.density_energy_network import GEOMETRY, DensityEnergyNetwork
from mepflow.densities.density_model import UNREADABLE, DensityModel
from mepflow.densities.density_network import DensityNetworkSettings
from mepflow.errors import InputError
from mepflow.models.energy_units import EnergyUnits
from mepflow.models.model_formats import DENSITY_ENERGY
from mepflow.storage.tensor_file import read_tensor_file, write_tensor_file

FORMAT_VERSION: Final = 1


class EnergyAndForces(NamedTuple):
    """``energy`` (M,) less the references in hartree, ``forces`` (n, 3) in hartree/bohr,
    ``whitened`` coefficients (n, shells, 2l + 1) of the density for each l."""

    energy: Tensor
    forces: Tensor
    whitened: list[Tensor]


@dataclass(frozen=True)
class DensityEnergyModel:
    """A density model, the energy network on top, and what energies are counted from."""

    density: DensityModel
    network: DensityEnergyNetwork
    units: EnergyUnits
    neighbours: float
    origin: Mapping[str, Any]

    @classmethod
    def new(
        cls,
        density: DensityModel,
        settings: DensityNetworkSettings,
        inputs: str,
        units: EnergyUnits,
        neighbours: float,
        origin: Mapping[str, Any],
    ) -> Self:
        """Return a model whose energy network has the weights that torch's generator gives."""
        network = DensityEnergyNetwork(settings, density.network.layout, inputs, neighbours)
        return cls(density, network, units, neighbours, origin)

    def adjust(self, graphs: Sequence[DensityGraph]) -> None:
        """Fit means and spreads of the energy network's input to the densities of molecules."""
        if self.network.inputs == GEOMETRY:
            return
        with torch.no_grad():
            of_molecules = [self.density.network.whitened(graph) for graph in graphs]
        numbers = torch.cat([graph.numbers for graph in graphs])
        self.network.adjust(
            numbers, [torch.cat(parts) for parts in zip(*of_molecules, strict=True)]
        )

    def energies(self, graph: DensityGraph, whitened: Sequence[Tensor]) -> Tensor:
        """Return the energies (M,) of the molecules of a graph, less the references."""
        shares: Tensor = self.units.scale * self.network(graph, whitened).double()
        none = shares.new_zeros(len(graph.atoms))
        return none.index_add(0, graph.molecules, shares)

    def energies_and_forces(self, graph: DensityGraph) -> EnergyAndForces:
        """Return energies and forces of molecules."""
        with torch.enable_grad():
            positions = graph.positions.detach().clone().requires_grad_()
            free = graph.at(positions)
            with torch.set_grad_enabled(self.network.inputs != GEOMETRY):
                whitened = self.density.network.whitened(free)
            energy = self.energies(free, whitened)
            (slope,) = torch.autograd.grad(energy.sum(), positions)
        return EnergyAndForces(energy, -slope, whitened)

    def save(self, path: Path, weights: Mapping[str, Tensor]) -> None:
        """Write the model with these weights of the energy network, atomically."""
        content = {
            "format": DENSITY_ENERGY,
            "format_version": FORMAT_VERSION,
            "density": self.density.content(_on_cpu(self.density.network.state_dict())),
            "network": self.network.settings.row(),
            "inputs": self.network.inputs,
            **self.units.to_dict(),
            "neighbours": self.neighbours,
            "origin": dict(self.origin),
            # Means and spreads of the density are none of the weights that are trained.
            "weights": {**_on_cpu(self.network.state_dict()), **weights},
        }
        write_tensor_file(path, content)

    @classmethod
    def load(cls, path: Path, dtype: torch.dtype = torch.float64) -> Self:
        """Read a model; raises :class:`InputError` where its file is missing or damaged."""
        try:
            content = read_tensor_file(path)
            if (content["format"], content["format_version"]) != (DENSITY_ENERGY, FORMAT_VERSION):
                raise ValueError("it is of another format or version")
            model = cls.new(
                DensityModel.from_content(content["density"]),
                DensityNetworkSettings.from_row(content["network"]),
                content["inputs"],
                EnergyUnits.from_dict(content),
                content["neighbours"],
                content["origin"],
            )
            model.network.load_state_dict(content["weights"])
        except FileNotFoundError:
            raise InputError(f"{path} does not exist: train the model.") from None
        except UNREADABLE as error:
            raise InputError(
                f"{path} is no model of energies from densities that can be read ({error}): train"
                " it again."
            ) from error
        model.network.to(dtype).eval()
        model.density.network.to(dtype).eval()
        return model


def _on_cpu(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: values.detach().cpu() for name, values in weights.items()}

"""Molecules with energies and forces, their densities frozen, and what a model says of them.

The density network does not change while the energy network is trained. For small molecules its
coefficients x and their derivatives dx/dR can be computed once, so that a step costs no pass
through it; for larger ones, whose derivatives would fill the memory, or short trainings, every step
passes it (:mod:`mepflow.densities.density_slopes`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mepflow.densities.density_batch import DensityGraph, joined
from mepflow.densities.density_energy_model import DensityEnergyModel
from mepflow.densities.density_energy_network import GEOMETRY
from mepflow.densities.density_slopes import FrozenDensity, LiveDensity
from mepflow.errors import InputError
from mepflow.models.targets import TARGETS
from mepflow.molecules import MoleculeTable

FloatArray = npt.NDArray[np.float64]

ENERGY: Final = "energy"
FORCES: Final = "forces"


def labels_of(table: MoleculeTable, target: str) -> FloatArray:
    """Return energies (M,) in hartree or forces (N, 3) in hartree/bohr of all molecules.

    Of several sources it is the first that has them for most molecules. Raises :class:`InputError`
    where there is none.
    """
    names = [name for name in TARGETS[target].fields if name in table.properties]
    if not names:
        raise InputError(
            f"The reference holds no {target}: take an archive that does, or compute them."
        )
    found = max((table.properties[name] for name in names), key=lambda v: np.isfinite(v).sum())
    return -found if target == FORCES else found


@dataclass(frozen=True)
class LabelledEnergy:
    """A molecule: graph, energy () less the references, forces (n, 3), in atomic units.

    ``density`` is None where every step asks the density network, or nothing does.
    """

    id: str
    graph: DensityGraph
    energy: Tensor
    forces: Tensor
    density: FrozenDensity | None


def labelled_energies(
    table: MoleculeTable,
    rows: Sequence[int],
    model: DensityEnergyModel,
    frozen: Mapping[str, FrozenDensity],
) -> list[LabelledEnergy]:
    """Return molecules of a table in the precision and on the device of the energy network.

    ``frozen`` are densities by id, up to the l that the model takes in or higher. Raises
    :class:`InputError` for an element that the model does not know, or a molecule without energy or
    forces.
    """
    energies, forces = labels_of(table, ENERGY), labels_of(table, FORCES)
    like = model.network.readout
    count = sum(shells * (2 * degree + 1) for degree, shells in enumerate(model.network.counts))
    found = []
    for row in rows:
        molecule, own = table.molecule(row), forces[table.atoms(row)]
        if not (np.isfinite(energies[row]) and np.isfinite(own).all()):
            raise InputError(
                f"{molecule.id} has no energy or no forces: leave it out of the split."
            )
        left = energies[row] - model.units.of_elements(molecule.atomic_numbers.tolist()).sum()
        density = frozen.get(molecule.id)
        found.append(
            LabelledEnergy(
                molecule.id,
                model.density.graph(molecule).to(like.device, like.dtype),
                torch.tensor(left, dtype=torch.float64, device=like.device),
                torch.as_tensor(own).to(like),
                None if density is None else density.lowest(count).to(like),
            )
        )
    return found


def predicted_energies(
    molecules: Sequence[LabelledEnergy], model: DensityEnergyModel, *, create_graph: bool
) -> tuple[Tensor, Tensor]:
    """Return energies (M,) less the references, and forces (n, 3) of all atoms.

    With ``create_graph`` they can be differentiated with respect to the energy network's weights.
    """
    graph = joined([one.graph for one in molecules], model.density.network.layout.width)
    if model.network.inputs == GEOMETRY:
        density = None
        values = graph.positions.new_zeros(0)
    else:
        density = _density_of(molecules, model, graph)
        values = density.values
    with torch.enable_grad():
        positions = graph.positions.detach().clone().requires_grad_()
        values = values.requires_grad_()
        whitened = [] if density is None else _by_degree(values, model.network.counts)
        energy = model.energies(graph.at(positions), whitened)
        slope, of_density = torch.autograd.grad(
            energy.sum(), (positions, values), create_graph=create_graph, materialize_grads=True
        )
        if density is not None:
            slope = slope + density.slopes_along_positions(of_density)
    return energy, -slope


def _density_of(
    molecules: Sequence[LabelledEnergy], model: DensityEnergyModel, graph: DensityGraph
) -> "_FrozenDensities | LiveDensity":
    frozen = [one.density for one in molecules if one.density is not None]
    if len(frozen) == len(molecules):
        return _FrozenDensities(frozen)
    return LiveDensity(model.density.network, graph, len(model.network.counts))


class _FrozenDensities:
    """What :class:`LiveDensity` is, of molecules whose derivatives are kept."""

    def __init__(self, frozen: Sequence[FrozenDensity]) -> None:
        self._frozen = frozen
        self.values = torch.cat([one.values for one in frozen])

    def slopes_along_positions(self, of_density: Tensor) -> Tensor:
        """Return (dx/dR)ᵀ g (n, 3) of g (n, K)."""
        counts = [len(one.values) for one in self._frozen]
        parts = zip(torch.split(of_density, counts), self._frozen, strict=True)
        return torch.cat([(part.flatten() @ one.slopes).view(-1, 3) for part, one in parts])


def _by_degree(values: Tensor, counts: Sequence[int]) -> list[Tensor]:
    """Return numbers (n, K) as (n, shells, 2l + 1) for each l."""
    sizes = [count * (2 * degree + 1) for degree, count in enumerate(counts)]
    parts = zip(torch.split(values, sizes, dim=1), counts, strict=True)
    return [part.view(len(values), count, -1) for part, count in parts]

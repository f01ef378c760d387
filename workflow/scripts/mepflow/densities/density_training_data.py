"""Molecules on a device with their densities, and how wrong predicted coefficients are.

The error of coefficients Δ is :math:`\\Delta^T (J + w V^T V / p) \\Delta`: the Coulomb energy of
the wrong density, and w times the mean square of its potential on points around the molecule.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mepflow.densities.density_batch import DensityGraph, density_graph, joined
from mepflow.densities.density_functions import potential_matrix
from mepflow.densities.density_labels import DensityLabels, LabelledDensity
from mepflow.densities.function_layout import FunctionLayout
from mepflow.densities.pyscf_basis import coulomb_matrix

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LabelledGraph:
    """A molecule: graph, coefficients (P,), (χ|χ′) (P, P), and VᵀV/p (P, P) of the potential."""

    id: str
    graph: DensityGraph
    coefficients: Tensor
    coulomb: Tensor
    potential: Tensor

    @property
    def atoms(self) -> int:
        """How many atoms it has."""
        return len(self.graph.numbers)


class DensityErrors(NamedTuple):
    """Of every molecule (k,): Coulomb energy of the error in hartree per atom, mean square of its
    potential on the points in (hartree/e)², atoms."""

    coulomb: Tensor
    potential: Tensor
    atoms: Tensor

    def loss(self, weight: float) -> Tensor:
        """Return the mean over molecules, ``weight`` in e²/hartree."""
        return (self.coulomb + weight * self.potential / self.atoms).mean()


def labelled_graphs(
    labels: DensityLabels,
    split: str,
    layout: FunctionLayout,
    cutoff: float,
    device: torch.device,
    dtype: torch.dtype,
) -> list[LabelledGraph]:
    """Return the molecules of a split on a device; ``cutoff`` in bohr."""
    return [
        _labelled(molecule, layout, cutoff, device, dtype) for molecule in labels.of_split(split)
    ]


def _labelled(
    molecule: LabelledDensity,
    layout: FunctionLayout,
    cutoff: float,
    device: torch.device,
    dtype: torch.dtype,
) -> LabelledGraph:
    numbers, positions = molecule.numbers, molecule.positions
    graph = density_graph(layout, numbers, positions, molecule.charge, cutoff, molecule.id)
    potentials = potential_matrix(layout.basis, numbers, positions, molecule.points)
    metrics = (
        coulomb_matrix(layout.basis.name, numbers, positions),
        potentials.T @ potentials / len(potentials),
    )
    coefficients, coulomb, potential = (
        torch.as_tensor(values).to(device, dtype) for values in (molecule.coefficients, *metrics)
    )
    return LabelledGraph(molecule.id, graph.to(device, dtype), coefficients, coulomb, potential)


def errors_of(
    molecules: Sequence[LabelledGraph], network: torch.nn.Module, width: int
) -> DensityErrors:
    """Return how wrong a network is on molecules; ``width`` is its layout's."""
    batch = joined([molecule.graph for molecule in molecules], width)
    predicted = torch.split(network(batch), list(batch.functions))
    coulomb, potential = [], []
    for molecule, found in zip(molecules, predicted, strict=True):
        error = found - molecule.coefficients
        coulomb.append(error @ (molecule.coulomb @ error) / molecule.atoms)
        potential.append(error @ (molecule.potential @ error))
    atoms = torch.tensor([float(m.atoms) for m in molecules]).to(coulomb[0])
    return DensityErrors(torch.stack(coulomb), torch.stack(potential), atoms)


def mean_neighbours(molecules: Sequence[LabelledGraph]) -> float:
    """Return the mean number of neighbours of an atom within the cut-off, at least one."""
    pairs = sum(molecule.graph.pairs.shape[1] for molecule in molecules)
    return max(1.0, pairs / sum(molecule.atoms for molecule in molecules))

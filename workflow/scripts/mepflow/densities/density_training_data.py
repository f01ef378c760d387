"""Molecules on a device with their densities, and how wrong predicted coefficients are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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


Preparation = Callable[[LabelledDensity], Mapping[str, FloatArray]]
"""What else is kept of a molecule, by name."""


@dataclass(frozen=True)
class LabelledGraph:
    """A molecule: graph, coefficients (P,), (χ|χ′) (P, P), and VᵀV/p (P, P) of the potential.

    ``more`` is what a loss needs besides (:mod:`mepflow.densities.density_losses`).
    """

    id: str
    graph: DensityGraph
    coefficients: Tensor
    coulomb: Tensor
    potential: Tensor
    more: Mapping[str, Tensor] = field(default_factory=dict)

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

    def per_molecule(self, weight: float) -> Tensor:
        """Return both as one (k,) in hartree per atom, ``weight`` in e²/hartree."""
        return self.coulomb + weight * self.potential / self.atoms


def labelled_graphs(
    labels: DensityLabels,
    split: str,
    layout: FunctionLayout,
    cutoff: float,
    device: torch.device,
    dtype: torch.dtype,
    prepared: Preparation = lambda _: {},
    most: int | None = None,
) -> list[LabelledGraph]:
    """Return the molecules of a split on a device; ``cutoff`` in bohr.

    ``most`` of them at most, from all parts of the split, which may be sorted by size.
    """
    molecules = labels.of_split(split)
    count = len(molecules) if most is None else min(most, len(molecules))
    chosen = [molecules[place * len(molecules) // count] for place in range(count)]
    return [_labelled(molecule, layout, cutoff, device, dtype, prepared) for molecule in chosen]


def _labelled(
    molecule: LabelledDensity,
    layout: FunctionLayout,
    cutoff: float,
    device: torch.device,
    dtype: torch.dtype,
    prepared: Preparation,
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
    more = {
        name: torch.as_tensor(values).to(device, dtype)
        for name, values in prepared(molecule).items()
    }
    return LabelledGraph(
        molecule.id, graph.to(device, dtype), coefficients, coulomb, potential, more
    )


def wrong_coefficients(
    molecules: Sequence[LabelledGraph], network: torch.nn.Module, width: int
) -> list[Tensor]:
    """Return a network's coefficients less the labels', (P,) each; ``width`` is its layout's."""
    batch = joined([molecule.graph for molecule in molecules], width)
    predicted = torch.split(network(batch), list(batch.functions))
    return [p - m.coefficients for p, m in zip(predicted, molecules, strict=True)]


def errors_of(molecules: Sequence[LabelledGraph], wrong: Sequence[Tensor]) -> DensityErrors:
    """Return how wrong the coefficients of :func:`wrong_coefficients` are."""
    coulomb, potential = [], []
    for molecule, error in zip(molecules, wrong, strict=True):
        coulomb.append(error @ (molecule.coulomb @ error) / molecule.atoms)
        potential.append(error @ (molecule.potential @ error))
    atoms = torch.tensor([float(m.atoms) for m in molecules]).to(coulomb[0])
    return DensityErrors(torch.stack(coulomb), torch.stack(potential), atoms)


def mean_neighbours(molecules: Sequence[LabelledGraph]) -> float:
    """Return the mean number of neighbours of an atom within the cut-off, at least one."""
    pairs = sum(molecule.graph.pairs.shape[1] for molecule in molecules)
    return max(1.0, pairs / sum(molecule.atoms for molecule in molecules))

"""The energy network: from the density about every atom, and neighbours, to energies of atoms.

The second network of DenSNet (arXiv:2604.24563): coefficients of the density, whitened and less
those of free atoms, are mixed into features of the atoms, which pass messages like those of the
density network. It may be without the density, and is then a network of its own kind on positions
alone, or without neighbours, and then takes every atom's energy from its own coefficients.
"""

import itertools
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn

from mepflow.densities.density_batch import DensityGraph
from mepflow.densities.density_network import DensityNetworkSettings
from mepflow.densities.equivariant_layers import MessagePassing, random_weights
from mepflow.densities.function_layout import FunctionLayout, shell_counts
from mepflow.densities.pair_functions import pair_functions

DENSITY_AND_GEOMETRY: Final = "density-and-geometry"
DENSITY: Final = "density"
GEOMETRY: Final = "geometry"
INPUTS: Final = (DENSITY_AND_GEOMETRY, DENSITY, GEOMETRY)


class DensityEnergyNetwork(nn.Module):
    """Energies of atoms, in units of their own.

    ``inputs`` is one of :data:`INPUTS`, ``layout`` that of the density network, ``neighbours`` the
    mean number of neighbours within the cut-off. Coefficients up to ``hidden_degree`` are taken in,
    less :attr:`means` and in units of :attr:`spreads` (:meth:`adjust`).
    """

    means: Tensor
    spreads: Tensor
    _index: Tensor
    _present: Tensor

    def __init__(
        self,
        settings: DensityNetworkSettings,
        layout: FunctionLayout,
        inputs: str,
        neighbours: float,
    ) -> None:
        super().__init__()
        self.settings, self.layout, self.inputs = settings, layout, inputs
        self._scale = neighbours**-0.5
        elements = sorted(layout.basis.shells)
        channels, count = settings.channels, len(elements)
        self.counts = layout.counts[: settings.hidden_degree + 1]
        """Shells of each l that are taken in."""
        self.embedding = random_weights(1, count, channels, 1)
        first = 0
        if inputs != GEOMETRY:
            first = len(self.counts) - 1
            # Small, too: coefficients that vary fast would give forces far too large.
            self.intake = nn.ParameterList(
                nn.Parameter(0.1 * random_weights(count, shells, channels, shells).data)
                for shells in self.counts
            )
        degrees = [first, *[settings.hidden_degree] * (settings.layers - 1), 0]
        squared = settings.hidden_degree if settings.self_product else None
        self.rounds = nn.ModuleList(
            MessagePassing(pair, settings.edge_degree, channels, settings.radial_functions, squared)
            for pair in itertools.pairwise(degrees)
        )
        # Small at the start: the first energies are nearly the references.
        self.readout = nn.Parameter(0.1 * random_weights(count, channels, 1, channels).data)
        self.readout_bias = nn.Parameter(torch.zeros(1, count, 1))
        index = torch.zeros(max(elements) + 1, dtype=torch.long)
        index[elements] = torch.arange(count)
        present = torch.zeros(count, len(self.counts), max(self.counts))
        for row, number in enumerate(elements):
            for degree, shells in enumerate(shell_counts(layout.basis, number)[: len(self.counts)]):
                present[row, degree, :shells] = 1.0
        self.register_buffer("_index", index, persistent=False)
        self.register_buffer("_present", present, persistent=False)
        self.register_buffer("means", torch.zeros(count, max(self.counts)))
        self.register_buffer("spreads", torch.ones(count, len(self.counts)))

    def adjust(self, numbers: Tensor, whitened: Sequence[Tensor]) -> None:
        """Take means of the s coefficients and root mean squares of all from training molecules.

        ``numbers`` (n,) and ``whitened`` (n, shells, 2l + 1) for each l are of all their atoms.
        """
        elements = self._index[numbers]
        for row in sorted(set(elements.tolist())):
            mine = elements == row
            for degree, count in enumerate(self.counts):
                values = whitened[degree][mine] * self._present[row, degree, :count, None]
                if degree == 0:
                    self.means[row, :count] = values.mean(dim=(0, 2))
                    values = values - self.means[row, :count, None]
                size = float((values**2).mean().sqrt())
                self.spreads[row, degree] = size if size > 0.0 else 1.0

    def forward(self, graph: DensityGraph, whitened: Sequence[Tensor]) -> Tensor:
        """Return the energy (n,) of every atom.

        ``whitened`` is what :meth:`~mepflow.densities.density_network.DensityNetwork.whitened`
        returns, up to the l that is taken in; without the density nobody looks at it.
        """
        elements = self._index[graph.numbers]
        features = self.embedding[0][elements][:, None]
        if self.inputs != GEOMETRY:
            taken = self._taken(whitened, elements)
            features = torch.cat([features + taken[0], *taken[1:]], dim=1)
        if self.inputs == DENSITY:
            graph = graph.without_pairs()
        row = self.settings
        harmonics, radial = pair_functions(graph, row.edge_degree, row.radial_functions, row.cutoff)
        for one in self.rounds:
            features = one(features, graph.pairs, harmonics, radial, self._scale)
        found = (features @ self.readout[elements])[:, 0] + self.readout_bias[0][elements]
        return found[:, 0]

    def _taken(self, whitened: Sequence[Tensor], elements: Tensor) -> list[Tensor]:
        """Return features (n, 2l + 1, c) of coefficients of each l."""
        taken = []
        for degree, (count, weights) in enumerate(zip(self.counts, self.intake, strict=True)):
            values = whitened[degree]
            if degree == 0:
                values = values - self.means[elements, :count, None]
            factors = self._present[elements, degree, :count] / self.spreads[elements, degree, None]
            taken.append((values * factors[:, :, None]).transpose(1, 2) @ weights[elements])
        return taken

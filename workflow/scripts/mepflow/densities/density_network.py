"""The density network: from elements and positions to coefficients of Gaussians about the atoms.

Features of every atom turn with the molecule; rounds of message passing couple them with the
directions to neighbours (PhiSNet's kind of network: O. T. Unke et al., NeurIPS 2021, with
e3nn's algebra: M. Geiger, T. Smidt, arXiv:2207.09453). A linear map per element and l gives
whitened coefficients (:mod:`mepflow.densities.whitening`) of the density less that of free atoms.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from mepflow.densities.auxiliary_basis import function_table
from mepflow.densities.density_batch import DensityGraph
from mepflow.densities.equivariant_layers import MessagePassing, random_weights
from mepflow.densities.function_layout import FunctionLayout
from mepflow.densities.pair_functions import pair_functions
from mepflow.densities.setting_keys import require_keys
from mepflow.densities.whitening import Blocks, electrons_of_shells
from mepflow.units import ANGSTROM_IN_BOHR

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class DensityNetworkSettings:
    """A row of ``density_networks``; what each key means stands in the schema."""

    channels: int
    hidden_degree: int
    edge_degree: int
    layers: int
    radial_functions: int
    cutoff_angstrom: float
    self_product: bool

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Return the settings of a row; raises :class:`ConfigError` where keys differ."""
        require_keys(cls, row, "A density network")
        return cls(**row)

    def row(self) -> dict[str, Any]:
        """Return the row."""
        return asdict(self)

    @property
    def cutoff(self) -> float:
        """The cut-off in bohr."""
        return self.cutoff_angstrom * ANGSTROM_IN_BOHR


class DensityNetwork(nn.Module):
    """Coefficients of molecules in a basis.

    ``free_atoms`` are the coefficients of an atom of each element, zeros where the network learns
    the whole density; ``blocks`` its whitening, ``neighbours`` the mean number of neighbours within
    the cut-off in the training set. What is known is kept in float64: the network must be given its
    precision.
    """

    _index: Tensor
    _prior: Tensor
    _electrons: Tensor
    _lacking: Tensor

    def __init__(
        self,
        settings: DensityNetworkSettings,
        layout: FunctionLayout,
        free_atoms: Mapping[int, FloatArray],
        blocks: Blocks,
        neighbours: float,
    ) -> None:
        super().__init__()
        self.settings, self.layout = settings, layout
        self._scale = neighbours**-0.5
        elements = sorted(layout.basis.shells)
        channels, highest = settings.channels, len(layout.counts) - 1
        self.embedding = random_weights(1, len(elements), channels, 1)
        degrees = [0, *[settings.hidden_degree] * (settings.layers - 1), highest]
        squared = settings.hidden_degree if settings.self_product else None
        self.rounds = nn.ModuleList(
            MessagePassing(pair, settings.edge_degree, channels, settings.radial_functions, squared)
            for pair in itertools.pairwise(degrees)
        )
        # Small at the start: the first density is nearly that of free atoms.
        self.readout = nn.ParameterList(
            nn.Parameter(0.1 * random_weights(len(elements), channels, count, channels).data)
            for count in layout.counts
        )
        self.readout_bias = nn.Parameter(torch.zeros(1, len(elements), layout.counts[0]))
        index = torch.zeros(max(elements) + 1, dtype=torch.long)
        index[elements] = torch.arange(len(elements))
        self.register_buffer("_index", index, persistent=False)
        self._keep_tables(elements, free_atoms, blocks)

    def _keep_tables(
        self, elements: list[int], free_atoms: Mapping[int, FloatArray], blocks: Blocks
    ) -> None:
        """Keep what is known of each element, padded to the most shells of any."""
        basis, counts = self.layout.basis, self.layout.counts
        prior = np.zeros((len(elements), self.layout.width))
        electrons = np.zeros((len(elements), counts[0]))
        lacking = np.array(elements, dtype=float)
        white = [np.zeros((len(elements), count, count)) for count in counts]
        for row, number in enumerate(elements):
            prior[row, self.layout.places(np.array([number]))] = free_atoms[number]
            for degree, block in enumerate(blocks[number]):
                white[degree][row, : len(block), : len(block)] = block
            held = electrons_of_shells(basis, number)
            electrons[row, : len(held)] = held @ blocks[number][0]
            spherical = function_table(basis, [number]).degrees == 0
            lacking[row] -= held @ np.asarray(free_atoms[number])[spherical]
        self.register_buffer("_prior", torch.as_tensor(prior), persistent=False)
        self.register_buffer("_electrons", torch.as_tensor(electrons), persistent=False)
        self.register_buffer("_lacking", torch.as_tensor(lacking), persistent=False)
        for degree, block in enumerate(white):
            self.register_buffer(f"_white_{degree}", torch.as_tensor(block), persistent=False)

    def forward(self, graph: DensityGraph) -> Tensor:
        """Return the coefficients (P,) of all molecules of a graph, one after the other.

        The electrons of each connected part are exact: its nuclear charges less its charge.
        """
        return self.coefficients(graph, self.whitened(graph))

    def whitened(self, graph: DensityGraph) -> list[Tensor]:
        """Return whitened coefficients (n, shells, 2l + 1) for each l, less those of free atoms.

        Shells that an element lacks hold numbers without meaning.
        """
        elements = self._index[graph.numbers]
        whitened = self._learned(graph, elements)
        whitened[0] = self._with_exact_electrons(whitened[0], graph, elements)
        return whitened

    def coefficients(self, graph: DensityGraph, whitened: Sequence[Tensor]) -> Tensor:
        """Return the coefficients (P,) that belong to what :meth:`whitened` returned."""
        elements = self._index[graph.numbers]
        parts = []
        for degree, values in enumerate(whitened):
            white = getattr(self, f"_white_{degree}")[elements]
            parts.append((white @ values).flatten(1))
        numbers = torch.cat(parts, dim=1) + self._prior[elements]
        return numbers.flatten()[graph.places]

    def _learned(self, graph: DensityGraph, elements: Tensor) -> list[Tensor]:
        """Return whitened coefficients (n, shells, 2l + 1) for each l, electrons not yet exact."""
        row = self.settings
        harmonics, radial = pair_functions(graph, row.edge_degree, row.radial_functions, row.cutoff)
        features = self.embedding[0][elements][:, None]
        for one in self.rounds:
            features = one(features, graph.pairs, harmonics, radial, self._scale)
        widths = [2 * degree + 1 for degree in range(len(self.readout))]
        by_degree = torch.split(features, widths, dim=1)
        found = [
            (part @ weights[elements]).transpose(1, 2)  # of (n, m, c)
            for part, weights in zip(by_degree, self.readout, strict=True)
        ]
        found[0] = found[0] + self.readout_bias[0][elements][:, :, None]
        return found

    def _with_exact_electrons(
        self, scalars: Tensor, graph: DensityGraph, elements: Tensor
    ) -> Tensor:
        """Return s coefficients (n, shells, 1) moved by as little as gives every part its charge.

        Free atoms are neutral, so the rest holds minus the charge of the part; without them it
        holds all the electrons.
        """
        electrons = self._electrons[elements]
        none = torch.zeros_like(graph.charges)
        held = none.index_add(0, graph.parts, (electrons * scalars[:, :, 0]).sum(dim=1))
        norm = none.index_add(0, graph.parts, (electrons * electrons).sum(dim=1))
        lacking = none.index_add(0, graph.parts, self._lacking[elements])
        surplus = (held + graph.charges - lacking) / norm
        return scalars - electrons[:, :, None] * surplus[graph.parts][:, None, None]

r"""PhysNet: a message-passing network for atomic charges and energies.

Follows O. T. Unke, M. Meuwly, J. Chem. Theory Comput. 15, 3678 (2019), and the authors' public code
(https://github.com/MMunibas/PhysNet). The atoms start with trainable features of their element. A
module lets them see their neighbours, and adds its share to the outputs; these are scaled and
shifted per element,

.. math:: y_i = s_Z \sum_m o_m(x_i^{(m)}) + t_Z.

What sums over a molecule are, and that charges must add up, is no part of the network: see
:mod:`mepflow.models`.
"""

import math

import torch
from torch import Tensor, nn

from mepflow.nn.graph import Graph
from mepflow.nn.physnet.physnet_layers import (
    Module,
    Output,
    RadialFunctions,
    glorot_orthogonal_,
)
from mepflow.nn.physnet.physnet_settings import PhysNetSettings


class PhysNet(nn.Module):
    """The network: a graph → the outputs of ``settings``, each (N,).

    Weights start as :meth:`reset_parameters` says, drawn from ``generator`` or torch's global one.
    """

    def __init__(self, settings: PhysNetSettings, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.settings = settings
        n_elements, n_outputs = len(settings.elements), len(settings.outputs)
        self.embedding = nn.Parameter(torch.empty(n_elements, settings.features))
        self.radial = RadialFunctions(settings.n_basis, settings.cutoff_angstrom)
        self.steps = nn.ModuleList(Module(settings) for _ in range(settings.modules))
        self.outputs = nn.ModuleList(Output(settings) for _ in range(settings.modules))
        self.scale = nn.Parameter(torch.empty(n_elements, n_outputs))
        self.shift = nn.Parameter(torch.empty(n_elements, n_outputs))
        self.reset_parameters(generator)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw the first weights: features of variance 1, orthogonal layers, outputs of 0.

        The layers of the distances and, unless the settings say otherwise, those of the outputs
        start at 0. Biases and shifts are 0, scales and gates 1.
        """
        nn.init.uniform_(self.embedding, -math.sqrt(3.0), math.sqrt(3.0), generator=generator)
        self.radial.reset_parameters()
        nn.init.ones_(self.scale)
        nn.init.zeros_(self.shift)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                glorot_orthogonal_(layer.weight, generator)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        for module in self.modules():
            if isinstance(module, Module):
                nn.init.zeros_(module.of_distance.weight)
                nn.init.ones_(module.gate)
            elif isinstance(module, Output) and self.settings.zero_start:
                nn.init.zeros_(module.last.weight)

    def forward(self, graph: Graph) -> dict[str, Tensor]:
        """Return the outputs (N,) of the atoms by name.

        Gradients with respect to positions need a graph made by
        :meth:`~mepflow.nn.graph.Graph.with_positions`.
        """
        # Padding, of no known element, gets numbers that nobody counts.
        species = graph.species.clamp(min=0)
        radial = self.radial(graph.distance)
        x = self.embedding.index_select(0, species)
        total = x.new_zeros(len(x), len(self.settings.outputs))
        for step, output in zip(self.steps, self.outputs, strict=True):
            x = step(x, graph, radial)
            total = total + output(x)
        total = self.scale.index_select(0, species) * total + self.shift.index_select(0, species)
        return dict(zip(self.settings.outputs, total.unbind(1), strict=True))


# The names under which mepflow.nn.networks finds them.
Settings = PhysNetSettings
Network = PhysNet

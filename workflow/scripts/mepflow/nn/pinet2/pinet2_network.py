r"""PiNet2: an equivariant message-passing network for atomic scalars, vectors and matrices.

Follows PiNet2 of PiNN 2.0 (https://teoroo-cmc.github.io/PiNN/master/usage/pinet2), and with
``pinn_compatible`` equals it to rounding. N atoms, P ordered pairs within the cut-off, C channels.
Atoms start with :math:`p^1` = one-hot of the element and :math:`p^3 = p^5 = 0`. Block t computes
new properties from the old ones,

.. math::
    i^1, s^3, s^5 &= \text{slices of } \mathrm{II}(\mathrm{PI}(p^1_i, p^1_j, e(d_{ij}))) \\
    \tilde p^1 &= \mathrm{PP}\big(\textstyle\sum_j (i^1, s^3, s^5)\big) \\
    \tilde p^x &= W \textstyle\sum_j (p^x_j + d^x_{ij})\, s^x_{ij} \\
    g^1, g^3, g^5 &= \text{slices of } \mathrm{PP}'(\tilde p^1 \oplus
        \tilde p^3 \!\cdot \tilde p^3 \oplus \tilde p^5 \!\cdot \tilde p^5) \\
    \Delta p^1 &= g^1, \qquad \Delta p^x = \tilde p^x g^x,

each output adds its head of :math:`\Delta p^x`, and the next block starts from
:math:`p^x + \Delta p^x`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar, Final, NamedTuple, Self, cast

import torch
from torch import Tensor, nn

from mepflow.errors import ConfigError
from mepflow.nn import gpu
from mepflow.nn.basis import BASES, CUTOFF_FUNCTIONS, RadialBasis
from mepflow.nn.graph import Graph
from mepflow.nn.pinet2 import fused, native
from mepflow.nn.pinet2.layers import (
    AnyPairs,
    EquivariantLayer,
    FeedForward,
    InvariantLayer,
    OutputHead,
    Pairs,
    ResidualUpdate,
    traceless_square,
)
from mepflow.nn.segments import segment_sum

RANKS: Final = (1, 3, 5)
"""The highest property of a network: scalars, vectors, traceless symmetric matrices."""
COMPONENTS: Final = {"p1": 1, "p3": 3, "p5": 5}
"""Properties of an atom, each of which can be an output, and their numbers of components."""


class LayerNodes(NamedTuple):
    """Widths of the dense layers of the PI, II and PP stacks of a block and of an output head."""

    pi: tuple[int, ...]
    ii: tuple[int, ...]
    pp: tuple[int, ...]
    out: tuple[int, ...]

    @classmethod
    def uniform(cls, nodes: int) -> Self:
        """Return the usual depths, one width: PI and output one layer, II and PP four."""
        return cls((nodes,), (nodes,) * 4, (nodes,) * 4, (nodes,))


@dataclass(frozen=True, kw_only=True)
class PiNet2Settings:
    """What defines a network, apart from its weights.

    Raises :class:`~mepflow.errors.ConfigError` for values that no network can have.

    - ``rank``: 1, 3 or 5, the highest of the properties p1, p3, p5 that the atoms carry
    - ``depth``: number of blocks
    - ``nodes``: width of every dense layer
    - ``cutoff_angstrom``, ``cutoff_function``: f1, f2 or hip, see :mod:`mepflow.nn.basis`
    - ``basis``, ``n_basis``, ``gamma_per_angstrom2``: gaussian or polynomial, size, exponent
    - ``weighted``: whether vectors of both atoms enter a pair, and the dot product is of two maps
    - ``elements``: atomic numbers, in the order of the species index
    - ``outputs``: "p1" (one scalar per atom), "p3" (a vector), "p5" (five components)
    - ``pinn_compatible``: restore what PiNN does and theory forbids, to run its networks: a bias in
      the heads of p3 and p5, the plain product of p5, and weights that only ever multiply zeros
    - ``layer_nodes``: widths of the single layers, where they are not all ``nodes``
    """

    kind: ClassVar[str] = "pinet2"

    rank: int
    depth: int
    nodes: int
    cutoff_angstrom: float
    cutoff_function: str
    basis: str
    n_basis: int
    gamma_per_angstrom2: float
    weighted: bool
    elements: tuple[int, ...]
    outputs: tuple[str, ...] = ("p1",)
    pinn_compatible: bool = False
    layer_nodes: LayerNodes | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "elements", tuple(int(z) for z in self.elements))
        object.__setattr__(self, "outputs", tuple(self.outputs))
        if self.layer_nodes is not None:
            layers = LayerNodes(*(tuple(nodes) for nodes in self.layer_nodes))
            object.__setattr__(self, "layer_nodes", layers)
        for name, allowed in _ALLOWED.items():
            if getattr(self, name) not in allowed:
                choices = ", ".join(map(str, allowed))
                raise ConfigError(
                    f"network setting {name} is {getattr(self, name)!r}: use one of {choices}."
                )
        self._check_numbers()
        self._check_elements_and_outputs()

    def _check_numbers(self) -> None:
        for name, largest in _LARGEST.items():
            value = getattr(self, name)
            kind = int if isinstance(largest, int) else int | float
            if isinstance(value, bool) or not isinstance(value, kind) or not 0 < value <= largest:
                what = "a whole number" if isinstance(largest, int) else "a number"
                raise ConfigError(
                    f"network setting {name} is {value!r:.30}: it must be {what} above 0, up to "
                    f"{largest}."
                )
        layers = self.layers
        widths = [width for nodes in layers for width in nodes]
        if not all(layers) or len(widths) > _MOST_LAYERS:
            raise ConfigError(
                f"network setting layer_nodes has an empty list or over {_MOST_LAYERS} widths."
            )
        if not all(isinstance(n, int) and 0 < n <= _LARGEST["nodes"] for n in widths):
            raise ConfigError(
                f"network setting layer_nodes has a width outside 1 to {_LARGEST['nodes']}."
            )
        if self.rank >= 3 and layers.pp[-1] != layers.ii[-1]:
            raise ConfigError(
                "network setting layer_nodes: the last widths of pp and ii must be equal "
                f"for rank {self.rank}, they are {layers.pp[-1]} and {layers.ii[-1]}."
            )

    def _check_elements_and_outputs(self) -> None:
        if not self.elements or len(set(self.elements)) != len(self.elements):
            raise ConfigError(
                "network setting elements must list at least one element, none twice."
            )
        if not self.outputs or len(set(self.outputs)) != len(self.outputs):
            raise ConfigError("network setting outputs must name at least one output, none twice.")
        for output in self.outputs:
            if output not in self.properties:
                known = ", ".join(self.properties)
                raise ConfigError(
                    f"network setting outputs has {output!r}: rank {self.rank} has {known}."
                )

    @property
    def layers(self) -> LayerNodes:
        """The widths of all layers."""
        return LayerNodes.uniform(self.nodes) if self.layer_nodes is None else self.layer_nodes

    @property
    def channels(self) -> int:
        """C, the number of channels of each property after a block."""
        return self.layers.ii[-1]

    @property
    def properties(self) -> tuple[str, ...]:
        """What the atoms carry: the first one, two or three of p1, p3, p5."""
        return tuple(name for name, components in COMPONENTS.items() if components <= self.rank)

    def check_size(self, n_weights: int) -> None:
        """Raise ``ValueError`` where a network of these settings has more weights than so many."""
        layers = sum(map(len, self.layers))
        if max(self.depth, layers) > n_weights:
            raise ValueError(f"{n_weights} weights are too few for {self.depth} blocks")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for a file; :meth:`from_dict` reads them back."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        if self.layer_nodes is not None:
            values["layer_nodes"] = self.layer_nodes._asdict()
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the settings of a mapping of field names, such as :meth:`to_dict` makes."""
        names = {field.name for field in fields(cls)}
        required = {field.name for field in fields(cls) if field.default is MISSING}
        for kind, wrong in (("unknown", values.keys() - names), ("no", required - values.keys())):
            if wrong:
                raise ConfigError(f"network settings have {kind} {', '.join(sorted(wrong))}.")
        layers = values.get("layer_nodes")
        if layers is not None:
            values = {**values, "layer_nodes": LayerNodes(**layers)}
        return cls(**values)


_LARGEST: Final[dict[str, int | float]] = {
    "depth": 100,
    "nodes": 10_000,
    "n_basis": 10_000,
    "cutoff_angstrom": 1e3,
    "gamma_per_angstrom2": 1e6,
}
"""Far beyond any network there is: a larger value is a mistake, or a file that asks for memory."""
_MOST_LAYERS: Final = 100
_ALLOWED: Final[dict[str, Sequence[Any]]] = {
    "rank": RANKS,
    "cutoff_function": tuple(CUTOFF_FUNCTIONS),
    "basis": BASES,
    "weighted": (False, True),
    "pinn_compatible": (False, True),
}


class Block(nn.Module):
    """One graph-convolution block: old properties of the atoms → new ones, before the residual.

    ``in_features`` maps each property that enters the block to its number of channels.
    """

    def __init__(self, settings: PiNet2Settings, in_features: Mapping[str, int]) -> None:
        super().__init__()
        layers, channels = settings.layers, settings.channels
        n_slices = len(settings.properties)
        widened = channels * n_slices
        self.n_slices, self.channels = n_slices, channels
        self.invariant = InvariantLayer(
            in_features["p1"],
            layers.pi,
            (*layers.ii[:-1], widened),
            layers.pp,
            settings.n_basis,
        )
        self.equivariant = nn.ModuleDict(
            {
                name: EquivariantLayer(
                    COMPONENTS[name],
                    in_features.get(name),
                    channels,
                    weighted=settings.weighted,
                    plain_dot=settings.pinn_compatible,
                )
                for name in settings.properties[1:]
            }
        )
        self.pp = FeedForward(
            layers.pp[-1] + channels * (n_slices - 1), (*layers.pp[:-1], widened), bias=True
        )

    def forward(
        self,
        old: Mapping[str, Tensor],
        pairs: AnyPairs,
        basis: Tensor,
        directions: Mapping[str, Tensor],
    ) -> dict[str, Tensor]:
        """Return the next p1 (N, C), and p3 (N, 3, C) and p5 (N, 5, C) if the network has them.

        ``basis`` is (P, n_basis), ``directions`` the d^x (P, x) of the equivariant properties.
        """
        total, *carried = self._sums(old, pairs, basis, directions)
        scalars, equivariant = [self.invariant.pp(total)], []
        for layer, summed in zip(self.equivariant.values(), carried, strict=True):
            px, dotted = layer(summed)
            scalars.append(dotted)
            equivariant.append(px)
        new_p1, *gates = self.pp(torch.cat(scalars, dim=1)).chunk(self.n_slices, dim=1)
        new = {"p1": new_p1}
        for name, px, gate in zip(self.equivariant, equivariant, gates, strict=True):
            new[name] = px * gate[:, None, :]
        return new

    def _sums(
        self,
        old: Mapping[str, Tensor],
        pairs: AnyPairs,
        basis: Tensor,
        directions: Mapping[str, Tensor],
    ) -> tuple[Tensor, ...]:
        """IP layers: return the sums over neighbours of i1 (N, W) and of each ix (N, x, C)."""
        i1 = self.invariant(old["p1"], pairs, basis)
        if isinstance(pairs, gpu.Neighbours):
            return self._sums_on_gpu(i1, old, pairs, directions)
        scales = i1.chunk(self.n_slices, dim=1)[1:]
        interactions = [
            layer.interaction(old.get(name), directions[name], scale, pairs)
            for (name, layer), scale in zip(self._equivariant(), scales, strict=True)
        ]
        n_atoms = old["p1"].shape[0]
        return tuple(segment_sum(values, pairs.i, n_atoms) for values in (i1, *interactions))

    def _sums_on_gpu(
        self,
        i1: Tensor,
        old: Mapping[str, Tensor],
        pairs: gpu.Neighbours,
        directions: Mapping[str, Tensor],
    ) -> tuple[Tensor, ...]:
        of_atoms = [
            layer.interaction.of_atoms(old.get(name)) for name, layer in self._equivariant()
        ]
        used = [directions[name] for name in self.equivariant]
        # PiNN's first properties are zeros of a single channel.
        of_j = [v if v is None else v.expand(-1, -1, self.channels) for _, v in of_atoms]
        total, *sums = gpu.neighbour_sums(i1, of_j, used, pairs)
        scales = total.chunk(self.n_slices, dim=1)[1:]
        # What atom i itself adds is the same for all of its pairs.
        return total, *(
            summed if of_i is None else summed + of_i * scale[:, None, :]
            for summed, (of_i, _), scale in zip(sums, of_atoms, scales, strict=True)
        )

    def _equivariant(self) -> list[tuple[str, EquivariantLayer]]:
        return cast("list[tuple[str, EquivariantLayer]]", list(self.equivariant.items()))


class Heads(nn.ModuleDict):
    """The heads of one block, by output."""

    def forward(self, properties: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return this block's share of each output, from the block's new properties."""
        return {name: head(properties[name]) for name, head in self.items()}


class ResidualUpdates(nn.ModuleDict):
    """The residual updates after one block, by property; what has none is replaced."""

    def forward(self, old: Mapping[str, Tensor], new: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the next block's properties."""
        return {
            name: self[name](old[name], value) if name in self else value
            for name, value in new.items()
        }


class PiNet2(nn.Module):
    """The network: a graph → the outputs of ``settings``, each a sum over the blocks' heads.

    Kernels start Glorot-uniform and biases 0, drawn from ``generator`` or torch's global one.
    """

    def __init__(self, settings: PiNet2Settings, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.settings = settings
        self.basis = RadialBasis(
            settings.basis,
            settings.n_basis,
            settings.cutoff_angstrom,
            settings.cutoff_function,
            settings.gamma_per_angstrom2,
        )
        self.blocks = nn.ModuleList()
        self.heads = nn.ModuleList()
        self.residuals = nn.ModuleList()
        features = {"p1": len(settings.elements)}
        if settings.pinn_compatible:
            features |= dict.fromkeys(settings.properties[1:], 1)
        for t in range(settings.depth):
            self.blocks.append(Block(settings, features))
            self.heads.append(Heads({name: self._head(name) for name in settings.outputs}))
            # PiNN makes an update after the last block too, and its weights, without any use.
            used = t + 1 < settings.depth or settings.pinn_compatible
            self.residuals.append(
                ResidualUpdates(
                    {name: ResidualUpdate(n, settings.channels) for name, n in features.items()}
                    if used
                    else {}
                )
            )
            features = dict.fromkeys(settings.properties, settings.channels)
        self.reset_parameters(generator)
        self._plan = _plan(settings)
        self._weight_slots = [
            (module._parameters, name)
            for module in self.modules()
            for name, weight in module._parameters.items()
            if weight is not None
        ]

    def _head(self, name: str) -> OutputHead:
        settings = self.settings
        bias = name == "p1" or settings.pinn_compatible
        return OutputHead(settings.channels, settings.layers.out, bias=bias)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw all kernels Glorot-uniformly from ``generator``, set all biases to 0."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight, generator=generator)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, graph: Graph) -> dict[str, Tensor]:
        """Return the outputs of the atoms: p1 (N,), p3 (N, 3), p5 (N, 5), those of the settings.

        Distances and directions are taken from the graph as they are; gradients with respect to
        positions need a graph made by :meth:`~mepflow.nn.graph.Graph.with_positions`.
        """
        basis = self.basis(graph.distance)
        directions = {"p3": graph.direction}
        if "p5" in self.settings.properties:
            directions["p5"] = traceless_square(graph.direction)
        forward = self._fused if self._is_fused(basis) else self._by_layers
        return forward(graph, basis, directions)

    def _by_layers(
        self, graph: Graph, basis: Tensor, directions: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        pairs, properties = _pairs_of(graph, basis), self.embed(graph)
        outputs: dict[str, Tensor] = {}
        for block, heads, update in zip(self.blocks, self.heads, self.residuals, strict=True):
            new = block(properties, pairs, basis, directions)
            for name, value in heads(new).items():
                outputs[name] = outputs[name] + value if name in outputs else value
            properties = update(properties, new)
        return outputs

    def _is_fused(self, basis: Tensor) -> bool:
        # The loops know the usual PI layer, of one dense layer, only.
        return len(self.settings.layers.pi) == 1 and native.usable(basis, *self._weights()[:1])

    def _fused(
        self, graph: Graph, basis: Tensor, directions: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        used = [directions[name] for name in self.settings.properties[1:]]
        found = fused.outputs(self._plan, graph, basis, used, self._weights())
        return dict(zip(self.settings.outputs, found, strict=True))

    def _weights(self) -> list[nn.Parameter]:
        """Return what :meth:`parameters` does, in a tenth of the time."""
        return [cast(nn.Parameter, owned[name]) for owned, name in self._weight_slots]

    def embed(self, graph: Graph) -> dict[str, Tensor]:
        """Return the first properties: one-hot p1 (N, n_elements), and p3, p5 if they are kept.

        They are zero at first, so they are left out unless ``pinn_compatible`` asks for them.
        """
        elements = torch.arange(len(self.settings.elements), device=graph.species.device)
        p1 = (graph.species[:, None] == elements).to(graph.distance.dtype)
        properties = {"p1": p1}
        if self.settings.pinn_compatible:
            for name in self.settings.properties[1:]:
                properties[name] = p1.new_zeros(len(p1), COMPONENTS[name], 1)
        return properties


def _pairs_of(graph: Graph, basis: Tensor) -> AnyPairs:
    """Return the pairs as the layers take them: the kernels have no gradient of the geometry."""
    if gpu.usable(basis) and not basis.requires_grad:
        return gpu.Neighbours.of_pairs(graph.pair_i, graph.pair_j, len(graph.species))
    return Pairs(graph.pair_i, graph.pair_j)


def _plan(settings: PiNet2Settings) -> fused.Plan:
    """Return the network as the fused loops take it."""
    layers, outputs = settings.layers, [list(COMPONENTS).index(name) for name in settings.outputs]
    n_slices = len(settings.properties)
    numbers = (
        *(len(settings.elements), settings.n_basis, n_slices, settings.depth),
        *(settings.weighted, settings.pinn_compatible, sum(1 << k for k in outputs), layers.pi[-1]),
        *(value for widths in layers[1:] for value in (len(widths), *widths)),
    )
    return fused.Plan(tuple(map(int, numbers)), tuple(outputs), n_slices)


# The names under which mepflow.nn.networks finds them.
Settings = PiNet2Settings
Network = PiNet2

"""What defines a PiNet2 network, apart from its weights: settings, checked, to and from a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final, NamedTuple, Self

from mepflow.errors import ConfigError
from mepflow.nn.basis import BASES, CUTOFF_FUNCTIONS
from mepflow.nn.networks import require_fields

RANKS: Final = (1, 3, 5)
"""The highest property of a network: scalars, vectors, traceless symmetric matrices."""
COMPONENTS: Final = {"p1": 1, "p3": 3, "p5": 5}
"""Properties of an atom, each of which can be an output, and their numbers of components."""


PROPERTY_OF_OUTPUT: Final = {**{name: name for name in COMPONENTS}, "energy": "p1"}
"""Outputs, and the property that the heads of each are of; of p1 there are two."""


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
    - ``outputs``: "p1" (one scalar per atom), "p3" (a vector), "p5" (five components), "energy"
      (another scalar)
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
            if PROPERTY_OF_OUTPUT.get(output) not in self.properties:
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
        require_fields(cls, values)
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

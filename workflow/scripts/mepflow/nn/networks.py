"""The kinds of networks that a configuration can name, each in a module of its own.

A module of :data:`NETWORKS` is imported where a network of its kind is used, and only there. It has

- ``Settings``: a frozen dataclass with ``elements``, ``outputs`` and ``cutoff_angstrom``. Its
  ``from_dict`` makes it of a row of the configuration with elements and outputs, which ``to_dict``
  gives back; its class attribute ``kind`` is the name in :data:`NETWORKS`; its ``check_size``
  raises ``ValueError`` where so many weights are too few, before anything is made;
- ``Network``: a module of PyTorch, made of the settings, that maps a
  :class:`~mepflow.nn.graph.Graph` to its outputs by name, p1 (N,), p3 (N, 3), p5 (N, 5), and whose
  ``reset_parameters`` draws its first weights from a generator.
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

from mepflow.errors import ConfigError

if TYPE_CHECKING:
    from torch import nn

NETWORKS: Final[Mapping[str, str]] = {
    "pinet2": "mepflow.nn.pinet2.pinet2_network",
    "physnet": "mepflow.nn.physnet.physnet_network",
}
"""Module of each kind of network."""
DEFAULT_KIND: Final = "pinet2"
_FIXED_RANKS: Final[Mapping[str, int]] = {"physnet": 1}
"""The rank of the outputs of kinds whose rows do not say it."""


def require_fields(settings: type, values: Mapping[str, Any]) -> None:
    """Raise :class:`ConfigError` where ``values`` are not those of the fields of a dataclass."""
    names = {field.name for field in fields(settings)}
    required = {field.name for field in fields(settings) if field.default is MISSING}
    for kind, wrong in (("unknown", values.keys() - names), ("no", required - values.keys())):
        if wrong:
            raise ConfigError(f"network settings have {kind} {', '.join(sorted(wrong))}.")


class NetworkSettings(Protocol):
    """What every network says of itself."""

    kind: ClassVar[str]

    @property
    def elements(self) -> tuple[int, ...]:
        """Return the atomic numbers that the network knows."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Return the names of the outputs."""

    @property
    def cutoff_angstrom(self) -> float:
        """Return the distance below which two atoms are neighbours, in ångström."""

    def check_size(self, n_weights: int) -> None:
        """Raise ``ValueError`` where a network of these settings has more than so many weights."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, without the kind."""


def network_module(kind: str) -> str:
    """Return the module of a kind of network; raises :class:`ConfigError`."""
    if kind not in NETWORKS:
        raise ConfigError(f"network kind is {kind!r:.30}: use {', '.join(NETWORKS)}.")
    return NETWORKS[kind]


def rank_of(row: Mapping[str, Any]) -> int:
    """Return the highest rank of the outputs of a network's row: 1 scalars, 3 vectors, 5 matrices.

    It needs no package, so that a configuration can be checked with it.
    """
    return int(_FIXED_RANKS.get(row.get("kind", DEFAULT_KIND)) or row["rank"])


def starts_at_zero(row: Mapping[str, Any]) -> bool:
    """Return whether all outputs of a network's row are 0 before it has learned anything."""
    return row.get("kind", DEFAULT_KIND) == "physnet" and bool(row.get("zero_start", True))


def network_settings(row: Mapping[str, Any]) -> NetworkSettings:
    """Return the settings of a row with ``kind`` (else :data:`DEFAULT_KIND`), elements and outputs.

    Raises :class:`ConfigError` where there is no such network.
    """
    values = dict(row)
    module = import_module(network_module(values.pop("kind", DEFAULT_KIND)))
    settings: NetworkSettings = module.Settings.from_dict(values)
    return settings


def network_row(settings: NetworkSettings) -> dict[str, Any]:
    """Return plain values that :func:`network_settings` reads back."""
    return {"kind": settings.kind, **settings.to_dict()}


def make_network(settings: NetworkSettings) -> "nn.Module":
    """Return a network of these settings, its first weights drawn from PyTorch's generator."""
    network: nn.Module = import_module(NETWORKS[settings.kind]).Network(settings)
    return network


def draw_weights(network: "nn.Module", seed: int) -> None:
    """Give ``network`` the first weights of a seed, whatever PyTorch's own generator does.

    Drawing starts after as many numbers as the network has weights: those that PyTorch's layers
    take at their birth, when all come from one generator. So a seed means what it always did.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    torch.empty(sum(values.numel() for values in network.parameters())).uniform_(
        generator=generator
    )
    network.reset_parameters(generator)  # type: ignore[operator]

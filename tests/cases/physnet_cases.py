"""Settings and networks of PhysNet for tests."""

from typing import Any

import torch

from mepflow.nn.physnet.physnet_network import PhysNet
from mepflow.nn.physnet.physnet_settings import PhysNetSettings
from pinet2_cases import ELEMENTS

SMALL: dict[str, Any] = {
    "features": 8,
    "n_basis": 6,
    "modules": 2,
    "interaction_residuals": 2,
    "atomic_residuals": 1,
    "output_residuals": 1,
    "cutoff_angstrom": 4.5,
}
"""A row of a configuration, without the kind."""


def physnet_settings(**changes: Any) -> PhysNetSettings:
    values = {**SMALL, "elements": ELEMENTS, "outputs": ("p1", "energy")}
    return PhysNetSettings(**(values | changes))


def scatter_weights(network: torch.nn.Module, seed: int = 3) -> None:
    """Add noise to all weights, so that none is at a start where it does nothing."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for values in network.parameters():
            values += 0.2 * torch.randn(values.shape, generator=generator, dtype=values.dtype)


def scattered(**changes: Any) -> PhysNet:
    """Return a network in double precision that does something, from the first step on."""
    network = PhysNet(physnet_settings(**changes), torch.Generator().manual_seed(1)).double()
    scatter_weights(network)
    return network

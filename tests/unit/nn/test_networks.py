"""Networks by kind: settings, and the first weights of a seed."""

from typing import Any

import pytest
import torch

from mepflow.nn.networks import draw_weights, make_network, network_row, network_settings
from pinet2_cases import all_outputs, settings


@pytest.mark.parametrize(
    "changes",
    [
        {"rank": 1},
        {"rank": 3, "outputs": all_outputs(3)},
        {"rank": 5, "weighted": True, "outputs": all_outputs(5)},
        {"rank": 3, "pinn_compatible": True, "outputs": all_outputs(3)},
    ],
)
def test_a_seed_means_the_weights_that_pytorch_draws_after_it(changes: dict[str, Any]) -> None:
    # As trainings have always begun: the seed of PyTorch's generator, then the network.
    torch.manual_seed(7)
    expected = make_network(settings(**changes)).state_dict()
    network = make_network(settings(**changes))
    before = torch.random.get_rng_state()
    draw_weights(network, 7)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(values, expected[k]) for k, values in network.state_dict().items())
    draw_weights(network, 8)
    assert not all(torch.equal(values, expected[k]) for k, values in network.state_dict().items())


def test_a_row_and_its_settings_are_inverse() -> None:
    row = network_row(settings(rank=5))
    assert row["kind"] == "pinet2"
    assert network_settings(row) == settings(rank=5)
    del row["kind"]
    assert network_settings(row) == settings(rank=5)

"""PhysNet against the literal NumPy implementation beside this file, and how it starts."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy_physnet import forward

from mepflow.errors import ConfigError
from mepflow.nn.graph import build_graph
from mepflow.nn.networks import draw_weights, make_network, network_row, network_settings
from mepflow.nn.physnet.physnet_layers import smooth_cutoff
from mepflow.nn.physnet.physnet_network import PhysNet
from mepflow.nn.physnet.physnet_settings import PhysNetSettings
from physnet_cases import physnet_settings, scattered
from pinet2_cases import molecule

PAPER: dict[str, Any] = {
    "features": 128,
    "n_basis": 64,
    "modules": 5,
    "interaction_residuals": 3,
    "atomic_residuals": 2,
    "output_residuals": 1,
    "cutoff_angstrom": 10.0,
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"outputs": ("p1",), "cutoff_angstrom": 2.5},
        {"modules": 3, "interaction_residuals": 1, "atomic_residuals": 2, "output_residuals": 2},
    ],
)
def test_the_network_is_the_one_of_the_equations(changes: dict[str, Any]) -> None:
    network = scattered(**changes)
    weights = {name: values.numpy() for name, values in network.state_dict().items()}
    molecules = [molecule(1, 6), molecule(2, 3)]
    graph = build_graph(molecules, network.settings.cutoff_angstrom)
    found = torch.stack([*network(graph).values()], dim=1).detach().numpy()
    expected = np.concatenate([forward(network.settings, weights, *one) for one in molecules])
    assert expected.std() > 0.05
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11)


def test_the_published_size_has_the_published_number_of_weights() -> None:
    settings = physnet_settings(**PAPER, elements=tuple(range(95)))
    with torch.device("meta"):
        network = make_network(settings)
    assert sum(values.numel() for values in network.parameters()) == 1_293_948


def test_at_first_atoms_do_not_see_each_other_and_outputs_are_the_shifts() -> None:
    network = PhysNet(physnet_settings(), torch.Generator().manual_seed(1)).double()
    with torch.no_grad():
        network.shift.normal_(generator=torch.Generator().manual_seed(2))
    species, positions = molecule(1, 6)
    graph = build_graph([(species, positions)], 4.5)
    for column, values in enumerate(network(graph).values()):
        assert torch.equal(values, network.shift[torch.from_numpy(species), column])
    torch.nn.init.ones_(network.outputs[0].last.weight)  # type: ignore[union-attr,arg-type]
    apart = build_graph([(species, 1.3 * positions)], 4.5)
    for name, values in network(graph).items():
        assert torch.equal(values, network(apart)[name])


def test_without_a_start_at_zero_outputs_are_random() -> None:
    settings = physnet_settings(zero_start=False)
    values = PhysNet(settings, torch.Generator().manual_seed(1))(
        build_graph([molecule(1, 6)], 4.5, torch.float32)
    )
    assert all(float(output.detach().std()) > 1e-2 for output in values.values())


def test_first_weights_have_the_published_variance() -> None:
    network = PhysNet(physnet_settings(**PAPER), torch.Generator().manual_seed(1))
    weight = network.steps[0].dense.weight.double()  # type: ignore[union-attr,operator]
    assert float(weight.var(correction=0)) == pytest.approx(1 / 128, rel=1e-6)
    product = weight @ weight.T
    diagonal = torch.eye(128, dtype=torch.float64) * product[0, 0]
    torch.testing.assert_close(product, diagonal, rtol=0, atol=1e-5)
    assert float(network.embedding.var()) == pytest.approx(1.0, rel=0.05)
    centres = torch.nn.functional.softplus(network.radial.raw_centres.double())
    expected = torch.linspace(1.0, np.exp(-10.0), 64, dtype=torch.float64)
    torch.testing.assert_close(centres, expected, rtol=0, atol=1e-6)
    widths = torch.nn.functional.softplus(network.radial.raw_widths)
    assert widths.tolist() == pytest.approx([(2 * (1 - np.exp(-10)) / 64) ** -2] * 64, rel=1e-5)


def test_the_cutoff_is_smooth_to_the_second_derivative() -> None:
    steps = torch.tensor([1e-3, 5e-4], dtype=torch.float64)
    near, nearer = smooth_cutoff(4.5 * (1.0 - steps), 4.5).tolist()
    assert near / nearer == pytest.approx(8.0, rel=2e-3)  # as the cube of what is left
    assert smooth_cutoff(torch.tensor([0.0, 2.25, 4.5, 5.0]), 4.5).tolist() == [1.0, 0.5, 0.0, 0.0]


def test_first_weights_are_those_of_the_seed_alone() -> None:
    one, two = (make_network(physnet_settings()) for _ in range(2))
    for network, seed in ((one, 7), (two, 7)):
        draw_weights(network, seed)
    assert all(torch.equal(v, two.state_dict()[k]) for k, v in one.state_dict().items())
    draw_weights(two, 8)
    assert not torch.equal(one.embedding, two.embedding)


def test_a_row_and_its_settings_are_inverse() -> None:
    row = network_row(physnet_settings(zero_start=False))
    assert row["kind"] == "physnet"
    assert network_settings(row) == physnet_settings(zero_start=False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"outputs": ("p1", "p3")}, "no atomic dipoles"),
        ({"outputs": ()}, "at least one output"),
        ({"features": 2.5}, "features is 2.5: it must be a whole number"),
        ({"modules": 0}, "modules is 0"),
        ({"cutoff_angstrom": -1.0}, "cutoff_angstrom is -1.0"),
        ({"zero_start": "no"}, "zero_start is 'no'"),
        ({"elements": (1, 1)}, "none twice"),
    ],
)
def test_settings_that_no_network_can_have(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        physnet_settings(**changes)


def test_a_file_with_too_few_weights_is_refused_before_the_network_is_made() -> None:
    with pytest.raises(ValueError, match="too few"):
        physnet_settings(modules=100, atomic_residuals=100).check_size(1000)
    with pytest.raises(ConfigError, match="unknown depth"):
        PhysNetSettings.from_dict({**physnet_settings().to_dict(), "depth": 3})

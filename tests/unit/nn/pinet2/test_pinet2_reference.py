"""The network against the literal NumPy implementation beside this file."""

import json

import numpy as np
import pytest
from numpy_pinet2 import Weights, forward

from mepflow.nn.graph import build_graph
from mepflow.nn.pinet2.pinet2_network import PiNet2
from mepflow.nn.pinet2.pinet2_settings import LayerNodes
from mepflow.nn.pinet2.recorded_network import load_recorded, to_parameters
from pinet2_cases import RECORDINGS, all_outputs, molecule, settings

MOLECULES = [molecule(1, 5), molecule(2, 3)]
SPECIES = np.concatenate([species for species, _ in MOLECULES])
POSITIONS = np.concatenate([positions for _, positions in MOLECULES])
MOLECULE = np.repeat([0, 1], [5, 3])


def assert_agreement(chosen):
    weights = Weights(seed=7)
    expected, _ = forward(chosen, weights, SPECIES, POSITIONS, MOLECULE)
    model = PiNet2(chosen).double()
    model.load_state_dict(to_parameters(chosen, weights))
    found = model(build_graph(MOLECULES, chosen.cutoff_angstrom))
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert np.std(values) > 1e-3, "a constant output shows nothing"
        np.testing.assert_allclose(found[name].detach().numpy(), values, rtol=0, atol=1e-12)


@pytest.mark.parametrize("cutoff_function", ["f1", "f2", "hip"])
@pytest.mark.parametrize("basis", ["gaussian", "polynomial"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("rank", [1, 3, 5])
def test_every_kind_of_network(rank, weighted, basis, cutoff_function):
    assert_agreement(
        settings(
            rank=rank,
            weighted=weighted,
            basis=basis,
            cutoff_function=cutoff_function,
            outputs=all_outputs(rank),
        )
    )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("rank", [1, 3, 5])
def test_pinn_compatible(rank, weighted):
    assert_agreement(
        settings(rank=rank, weighted=weighted, outputs=all_outputs(rank), pinn_compatible=True)
    )


def test_widths_of_single_layers():
    nodes = LayerNodes(pi=(6, 3), ii=(7, 4), pp=(5, 6, 4), out=(3, 2))
    assert_agreement(settings(rank=5, layer_nodes=nodes, outputs=all_outputs(5)))


def test_depth_one_and_width_of_the_one_hot_row():
    assert_agreement(settings(depth=1, outputs=("p3",)))
    assert_agreement(settings(nodes=5, outputs=("p1", "p3"), pinn_compatible=True))


@pytest.mark.parametrize("name", ["b_rank5_n16", "d_rank3_n16_weighted"])
def test_the_reference_itself_against_recorded_networks(name):
    path = RECORDINGS / f"{name}.npz"
    if not path.exists():
        pytest.skip("no recorded networks here")
    recorded = load_recorded(path)
    arrays = recorded.arrays
    assert json.loads(str(arrays["hyperparameters_json"]))["rank"] == recorded.settings.rank
    weights = Weights(0, {k[2:]: v for k, v in arrays.items() if k.startswith("w/")})
    given = set(weights)
    rows = arrays["in/ind_1"][:, 0] < 3
    species = recorded.graph.species.numpy()[rows]
    positions = arrays["in/coord"][rows].astype(float)
    outputs, _ = forward(
        recorded.settings, weights, species, positions, arrays["in/ind_1"][rows, 0]
    )
    assert set(weights) == given, "the reference needs a weight that the recording has not"
    np.testing.assert_allclose(outputs["p1"], arrays["f64/output"][rows], rtol=0, atol=1e-12)
    expected = arrays["f64/out_extra/p3"][rows, :, 0]
    np.testing.assert_allclose(outputs["p3"], expected, rtol=0, atol=1e-12)

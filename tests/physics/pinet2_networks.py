"""Random networks and molecules for the physics tests of PiNet2."""

import numpy as np
import torch
from e3nn import o3

from mepflow.nn.graph import build_graph
from mepflow.nn.pinet2.pinet2_network import PiNet2
from mepflow.nn.pinet2.pinet2_settings import PiNet2Settings

CUTOFF = 4.5
KINDS = [(rank, weighted) for rank in (1, 3, 5) for weighted in (False, True)]
TOLERANCES = {torch.float64: 1e-13, torch.float32: 1e-5}


def outputs_of(rank):
    return ("p1", "p3", "p5")[: rank // 2 + 1]


def network(rank=3, weighted=False, dtype=torch.float64, **changes):
    """Return a network with all outputs of its rank and random weights, biases included."""
    values = {
        "depth": 3,
        "nodes": 8,
        "cutoff_angstrom": CUTOFF,
        "cutoff_function": "f1",
        "basis": "gaussian",
        "n_basis": 10,
        "gamma_per_angstrom2": 3.0,
        "elements": (1, 6, 7, 8, 9),
        "outputs": outputs_of(rank),
    }
    settings = PiNet2Settings(rank=rank, weighted=weighted, **(values | changes))
    generator = torch.Generator().manual_seed(rank + 10 * weighted)
    model = PiNet2(settings, generator).to(dtype)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(0.0, 0.15, generator=generator)
    return model


def molecule(seed, n_atoms):
    """Return species (n,) and positions (n, 3) in ångström: random, no two closer than 1 Å."""
    generator = np.random.default_rng(seed)
    positions = [np.zeros(3)]
    while len(positions) < n_atoms:
        trial = generator.uniform(-3.0, 3.0, 3)
        if min(np.linalg.norm(trial - p) for p in positions) > 1.0:
            positions.append(trial)
    return generator.integers(0, 5, n_atoms), np.array(positions)


def evaluate(model, *molecules):
    """Return the outputs of a batch of molecules as NumPy arrays."""
    dtype = next(model.parameters()).dtype
    graph = build_graph(molecules, model.settings.cutoff_angstrom, dtype)
    with torch.no_grad():
        outputs = {name: values.numpy() for name, values in model(graph).items()}
    assert all(values.std() > 1e-3 for values in outputs.values()), "nothing would be shown"
    return outputs


def matrices(p5):
    xx, yy, xy, xz, yz = p5.T
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, -xx - yy]]).transpose(2, 0, 1)


def rotated(outputs, rotation):
    """Return the outputs as a rotation (3, 3) of space, proper or not, must change them."""
    changed = {"p1": outputs["p1"]}
    if "p3" in outputs:
        changed["p3"] = outputs["p3"] @ rotation.T
    if "p5" in outputs:
        turned = rotation @ matrices(outputs["p5"]) @ rotation.T
        changed["p5"] = turned[:, [0, 1, 0, 0, 1], [0, 1, 1, 2, 2]]
    return changed


def rotations():
    """Return two proper and two improper random rotations."""
    state = torch.get_rng_state()
    torch.manual_seed(5)
    proper = o3.rand_matrix(4, dtype=torch.float64).numpy()
    torch.set_rng_state(state)
    return proper * np.array([1.0, 1.0, -1.0, -1.0])[:, None, None]


def largest_difference(left, right):
    return {name: float(np.abs(left[name] - right[name]).max()) for name in left}

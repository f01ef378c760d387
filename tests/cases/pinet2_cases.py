"""Networks and molecules for the tests of this folder."""

from pathlib import Path

import numpy as np

from mepflow.nn.pinet2.pinet2_settings import PiNet2Settings

ELEMENTS = (1, 6, 7, 8, 9)
RECORDINGS = Path(__file__).parents[3] / "shared" / "data" / "pinn_parity"


def settings(**changes):
    values = {
        "rank": 3,
        "depth": 2,
        "nodes": 4,
        "cutoff_angstrom": 4.5,
        "cutoff_function": "f1",
        "basis": "gaussian",
        "n_basis": 5,
        "gamma_per_angstrom2": 3.0,
        "weighted": False,
        "elements": ELEMENTS,
    }
    return PiNet2Settings(**(values | changes))


def all_outputs(rank):
    return ("p1", "p3", "p5")[: rank // 2 + 1]


def molecule(seed, n_atoms):
    """Return species (n,) and positions (n, 3) in ångström of a random chain of bonded atoms."""
    generator = np.random.default_rng(seed)
    steps = generator.normal(size=(n_atoms, 3))
    steps *= 1.4 / np.linalg.norm(steps, axis=1, keepdims=True)
    return generator.integers(0, len(ELEMENTS), n_atoms), np.cumsum(steps, axis=0)

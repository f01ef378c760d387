"""Three small models that differ in their seed, and a molecule to try them on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from ase import Atoms

from mepflow.models.model_file import save_model
from mepflow.models.multipole_model import MultipoleModel
from mepflow.models.variants import Variant
from mepflow.nn.pinet2.pinet2_settings import PiNet2Settings
from mepflow.prediction.predictor import Predictor

DOMAIN: dict[str, Any] = {
    "molecules": 50,
    "atoms": [3, 12],
    "elements": {"H": 50, "C": 48, "N": 30, "O": 40, "F": 7},
    "total_charges": [0, 1],
}
WATER = "3\nwater\nO 0 0 0.1173\nH 0 0.7572 -0.4692\nH 0 -0.7572 -0.4692\n"

SaveModel = Callable[..., Path]


def variant_of(name: str) -> Variant:
    terms = ["charges", *["dipoles"] * ("AD" in name), *["quadrupoles"] * ("AQ" in name)]
    source = "all" if name.endswith("-c") else "charges"
    weights = {"dipole": 1.0, "quadrupole": 1.0}
    row = {"atomic_terms": terms, "loss_weights": weights, "quadrupole_from": source}
    return Variant.from_row(name, row)


@pytest.fixture(scope="session")
def save() -> SaveModel:
    """Write an untrained model: its charges and dipoles are those of random weights."""

    def write(path: Path, seed: int = 1, name: str = "AC-AD-DQ-c", **provenance: Any) -> Path:
        variant = variant_of(name)
        settings = PiNet2Settings(
            # Nodes that fill the processor's vectors: see test_molecules_together_are_as_alone.
            rank=5 if "AQ" in name else 3, depth=2, nodes=16, cutoff_angstrom=4.5,
            cutoff_function="f1", basis="gaussian", n_basis=3, gamma_per_angstrom2=3.0,
            weighted=False, elements=(1, 6, 7, 8, 9), outputs=variant.outputs,
        )  # fmt: skip
        torch.manual_seed(seed)
        model = MultipoleModel(settings, variant)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_model(path, model, model.state_dict(), {"seed": seed, **provenance})
        return path

    return write


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory, save: SaveModel) -> Path:
    """A folder as a run's results have it."""
    folder = tmp_path_factory.mktemp("models") / "AC-AD-DQ-c"
    for seed in (1, 2, 10):
        save(folder / f"seed-{seed}" / "model.pt", seed, domain=DOMAIN)
    return folder


@pytest.fixture(scope="session")
def predictor(models: Path) -> Predictor:
    return Predictor.load(models)


@pytest.fixture(scope="session")
def precise(models: Path) -> Predictor:
    """The same in double precision."""
    return Predictor.load(models, double_precision=True)


@pytest.fixture
def ethanol() -> Atoms:
    positions = [
        [1.168, -0.402, 0.0], [0.0, 0.556, 0.0], [-1.190, -0.215, 0.0], [-1.946, 0.381, 0.0],
        [2.116, 0.143, 0.0], [1.128, -1.038, 0.887], [1.128, -1.038, -0.887],
        [0.043, 1.195, 0.887], [0.043, 1.195, -0.887],
    ]  # fmt: skip
    return Atoms("CCOHHHHHH", positions)


@pytest.fixture
def water(tmp_path: Path) -> Path:
    path = tmp_path / "water.xyz"
    path.write_text(WATER)
    return path

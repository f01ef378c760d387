"""A model of energies learns on a frozen density, and goes on after any stop to the same bits."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from cases.density_cases import ETHANOL, NETWORK, POSITIONS, UNITS, energy_model
from mepflow.densities.density_batch import joined
from mepflow.densities.density_energy_model import DensityEnergyModel
from mepflow.densities.density_energy_network import DENSITY, GEOMETRY, INPUTS
from mepflow.densities.density_energy_training import train_density_energy
from mepflow.densities.density_model import DensityModel
from mepflow.densities.frozen_densities import freeze_densities, load_frozen_densities
from mepflow.errors import ConfigError, InputError, StateError
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.training import checkpoint as checkpoints

SETTINGS: dict[str, Any] = {
    "steps": 12,
    "batch_size": 3,
    "learning_rate": 1e-2,
    "average_decay": 0.8,
    "validation_interval": 4,
    "energy_weight": 0.01,
    "device": "cpu",
}
SPLITS = ("train",) * 6 + ("validation", "test")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A density model, and ethanols whose energies are those of another model on top of it."""
    folder = tmp_path_factory.mktemp("files")
    teacher = energy_model(seed=9)
    density = teacher.density
    density.save(folder / "density.pt", density.network.state_dict())
    generator = np.random.default_rng(1)
    places = POSITIONS + 0.1 * generator.normal(size=(len(SPLITS), *POSITIONS.shape))
    molecules = [
        Molecule(f"{k}", ETHANOL.astype(np.uint8), places) for k, places in enumerate(places)
    ]
    graphs = [density.graph(one) for one in molecules]
    found = teacher.energies_and_forces(joined(graphs, density.network.layout.width))
    references = UNITS.of_elements(ETHANOL.tolist()).sum()
    table = MoleculeTable.from_molecules(molecules).with_properties(
        energy=found.energy.detach().numpy() + references, gradient=-found.forces.numpy()
    )
    table.save(folder / "reference.h5")
    rows = {"id": table.ids, "split": SPLITS, "showcase": False}
    pd.DataFrame(rows).to_csv(folder / "splits.csv", index=False)
    arguments = (folder / "density.pt", folder / "reference.h5", folder / "splits.csv")
    freeze_densities(*arguments, 2, 9, folder / "frozen.pt")
    return folder


def trained(files: Path, folder: Path, inputs: str = INPUTS[0], **changes: Any) -> bytes:
    own = {key: changes.pop(key) for key in list(changes) if key in NETWORK.row()}
    train_density_energy(
        density=files / "density.pt",
        frozen=None if inputs == DENSITY else files / "frozen.pt",
        reference=files / "reference.h5",
        splits=files / "splits.csv",
        network=NETWORK.row() | own,
        inputs=inputs,
        training=SETTINGS | changes,
        seed=1,
        state_folder=folder / "state",
        model_path=folder / "model.pt",
        log_path=folder / "training.csv",
    )
    return (folder / "model.pt").read_bytes()


class _Stop(Exception):  # noqa: N818
    pass


def stopping(save: Callable[..., None]) -> Callable[..., None]:
    def stop(*arguments: Any) -> None:
        save(*arguments)
        raise _Stop

    return stop


@pytest.mark.parametrize("inputs", INPUTS)
def test_errors_fall_and_a_stopped_training_goes_on_to_the_same_bits(
    inputs: str, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = trained(files, tmp_path / "straight", inputs)
    log = pd.read_csv(tmp_path / "straight" / "training.csv")
    assert log["train_loss"].iloc[-1] < 0.9 * log["train_loss"].iloc[0]
    assert {"validation_forces_mae_kcal_per_mol_angstrom"} <= {*log}
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "save", stopping(checkpoints.save))
        with pytest.raises(_Stop):
            trained(files, tmp_path, inputs)
    torch.manual_seed(5)  # nothing may depend on it
    with pytest.raises(StateError, match="another"):
        trained(files, tmp_path, inputs, energy_weight=0.1)
    assert trained(files, tmp_path, inputs) == straight
    model = DensityEnergyModel.load(tmp_path / "model.pt")
    known = DensityModel.load(files / "density.pt")
    ethanol = Molecule("ethanol", ETHANOL.astype(np.uint8), POSITIONS)
    np.testing.assert_array_equal(model.density.coefficients(ethanol), known.coefficients(ethanol))


@pytest.mark.parametrize(
    ("inputs", "changes", "error", "sentence"),
    [
        ("densty", {}, ConfigError, "no inputs 'densty': did you mean density"),
        (GEOMETRY, {"momentum": 0.9}, ConfigError, "exactly the keys"),
        (GEOMETRY, {"cutoff_angstrom": 3.0}, ConfigError, "give both one cutoff_angstrom"),
    ],
)
def test_what_cannot_be_trained_is_told(
    inputs: str,
    changes: dict[str, Any],
    error: type[Exception],
    sentence: str,
    files: Path,
    tmp_path: Path,
) -> None:
    with pytest.raises(error, match=sentence):
        trained(files, tmp_path, inputs, **changes)
    assert not list(tmp_path.iterdir())


def test_a_reference_without_forces_is_told(files: Path, tmp_path: Path) -> None:
    table = MoleculeTable.load(files / "reference.h5")
    MoleculeTable.from_molecules([table.molecule(k) for k in range(len(table))]).save(
        tmp_path / "reference.h5"
    )
    for name in ("density.pt", "splits.csv"):
        (tmp_path / name).write_bytes((files / name).read_bytes())
    with pytest.raises(InputError, match="The reference holds no energy"):
        trained(tmp_path, tmp_path / "new")


def test_larger_molecules_are_not_frozen_and_bad_files_are_named(
    files: Path, tmp_path: Path
) -> None:
    arguments = (files / "density.pt", files / "reference.h5", files / "splits.csv")
    assert len(load_frozen_densities(files / "frozen.pt")) == 7
    freeze_densities(*arguments, 2, 8, tmp_path / "none.pt")
    assert load_frozen_densities(tmp_path / "none.pt") == {}
    with pytest.raises(InputError, match="holds no frozen densities"):
        load_frozen_densities(files / "density.pt")
    with pytest.raises(InputError, match="does not exist"):
        load_frozen_densities(tmp_path / "other.pt")

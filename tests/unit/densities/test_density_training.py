"""A density model learns, goes on after any stop to the same bits, and comes back from its file."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from cases.density_cases import BASIS, ETHANOL, NETWORK, ORBITAL_BASIS, POSITIONS, network, tables
from mepflow.densities.density_functions import density, potential_matrix
from mepflow.densities.density_labels import DensityLabels, LabelledDensity
from mepflow.densities.density_losses import OVERLAP, REAL_SPACE, measure_of, prepared
from mepflow.densities.density_model import DensityModel
from mepflow.densities.density_moments import function_moments, molecular_moments
from mepflow.densities.density_training import train_density
from mepflow.densities.density_training_data import errors_of, labelled_graphs, wrong_coefficients
from mepflow.densities.free_atoms import superposed_atoms
from mepflow.densities.pyscf_basis import coulomb_matrix, integration_grid
from mepflow.errors import ConfigError, InputError, StateError
from mepflow.molecules import Molecule
from mepflow.training import checkpoint as checkpoints

SETTINGS: dict[str, Any] = {
    "steps": 60,
    "batch_size": 3,
    "learning_rate": 5e-3,
    "average_decay": 0.9,
    "validation_interval": 20,
    "device": "cpu",
    "loss": "coulomb-potential",
    "prior": "free-atoms",
    "train_molecules": None,
}
WEIGHT = 100.0
SPLITS = ("train",) * 5 + ("validation", "test")


def labels_file(folder: Path) -> Path:
    """Write ethanols whose densities are those of another network, free atoms included."""
    basis, atoms, _ = tables()
    teacher = network(seed=7)
    generator = np.random.default_rng(1)
    molecules = []
    for number, split in enumerate(SPLITS):
        positions = POSITIONS + 0.1 * generator.normal(size=POSITIONS.shape)
        model = DensityModel(teacher, atoms, tables()[2], 7.0, {})
        molecule = Molecule(str(number), ETHANOL.astype(np.uint8), positions)
        points = positions.mean(axis=0) + 9.0 * np.eye(3)
        coefficients = model.coefficients(molecule)
        molecules.append(
            LabelledDensity(
                str(number), split, ETHANOL, positions, 0, coefficients, points, np.zeros(3)
            )
        )
    path = folder / "labels.pt"
    DensityLabels(basis, ORBITAL_BASIS, WEIGHT, atoms, tuple(molecules)).save(path)
    return path


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return labels_file(tmp_path_factory.mktemp("labels"))


def trained(labels: Path, folder: Path, **changes: Any) -> bytes:
    train_density(
        labels=labels,
        network=NETWORK.row(),
        training=SETTINGS | changes,
        seed=1,
        state_folder=folder / "state",
        model_path=folder / "model.pt",
        log_path=folder / "training.csv",
    )
    return (folder / "model.pt").read_bytes()


@pytest.fixture(scope="module")
def straight(labels: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Path]:
    folder = tmp_path_factory.mktemp("straight")
    return trained(labels, folder), folder


def test_the_loss_falls_and_the_model_has_the_electrons(
    labels: Path, straight: tuple[bytes, Path]
) -> None:
    model = DensityModel.load(straight[1] / "model.pt")
    known = DensityLabels.load(labels)
    one = known.of_split("test")[0]
    found = model.coefficients(Molecule("test", one.numbers.astype(np.uint8), one.positions))
    metric = coulomb_matrix(BASIS, ETHANOL, one.positions)
    start = superposed_atoms(ETHANOL, known.free_atoms) - one.coefficients
    error = found - one.coefficients
    assert error @ metric @ error < 0.2 * (start @ metric @ start)
    electrons, _, _ = molecular_moments(known.basis, ETHANOL, one.positions, found)
    assert electrons == pytest.approx(26.0, abs=1e-5)


class _Stop(Exception):  # noqa: N818
    pass


def stopping_after(count: int, save: Callable[..., None]) -> Callable[..., None]:
    left = [count]

    def stop(*arguments: Any) -> None:
        save(*arguments)
        left[0] -= 1
        if not left[0]:
            raise _Stop

    return stop


def test_a_stopped_training_goes_on_to_the_same_bits(
    labels: Path, straight: tuple[bytes, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "save", stopping_after(2, checkpoints.save))
        with pytest.raises(_Stop):
            trained(labels, tmp_path)
    assert not (tmp_path / "model.pt").exists()
    torch.manual_seed(5)  # nothing may depend on it
    assert trained(labels, tmp_path) == straight[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"loss": "coulomb"},
        {"loss": "overlap"},
        {"loss": "real-space"},
        {"prior": "none"},
        {"train_molecules": 2, "batch_size": 2},
    ],
)
def test_every_way_to_learn_learns_and_goes_on_to_the_same_bits(
    changes: dict[str, Any], labels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = {"steps": 10, "validation_interval": 5, "average_decay": 0.5} | changes
    straight = trained(labels, tmp_path / "straight", **short)
    rows = pd.read_csv(tmp_path / "straight" / "training.csv")
    assert rows["train_loss"].iloc[1] < 0.95 * rows["train_loss"].iloc[0]
    model = DensityModel.load(tmp_path / "straight" / "model.pt")
    ethanol = Molecule("ethanol", ETHANOL.astype(np.uint8), POSITIONS, 1)
    found = model.coefficients(ethanol)
    electrons, _, _ = molecular_moments(model.basis, ETHANOL, POSITIONS, found)
    assert electrons == pytest.approx(25.0, abs=1e-9)
    assert model.origin["domain"]["molecules"] == changes.get("train_molecules", 5)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "save", stopping_after(1, checkpoints.save))
        with pytest.raises(_Stop):
            trained(labels, tmp_path, **short)
    assert trained(labels, tmp_path, **short) == straight


def test_losses_are_integrals_of_the_wrong_density(labels: Path) -> None:
    known, net = DensityLabels.load(labels), network()
    points, weights = integration_grid(ETHANOL, known.molecules[0].positions, 1)
    place = (torch.device("cpu"), torch.float64)
    found = {}
    for loss in (OVERLAP, REAL_SPACE):
        prepare = partial(prepared, loss, known.basis)
        graphs = labelled_graphs(known, "train", net.layout, NETWORK.cutoff, *place, prepare, 1)
        wrong = wrong_coefficients(graphs, net, net.layout.width)
        measure = measure_of(loss, WEIGHT, known.basis, 1)
        found[loss] = [measure(graphs, wrong, step).item() for step in (0, 1, 0)]
    error = wrong[0].detach().numpy()
    density_error = density(known.basis, ETHANOL, known.molecules[0].positions, error, points)
    assert found[OVERLAP][0] == pytest.approx(weights @ density_error**2 / 9, rel=1e-3)
    first, second, again = found[REAL_SPACE]
    assert first == again != second
    exact = weights @ np.abs(density_error) / 26.0
    assert first == pytest.approx(exact, rel=0.1)
    with pytest.raises(ConfigError, match="none of coulomb-potential"):
        measure_of("squares", WEIGHT, known.basis, 1)


def test_an_interrupted_state_of_other_settings_is_refused(
    labels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "save", stopping_after(1, checkpoints.save))
        with pytest.raises(_Stop):
            trained(labels, tmp_path)
    with pytest.raises(StateError, match="another"):
        trained(labels, tmp_path, batch_size=2)


def test_error_is_the_coulomb_energy_and_the_potential(labels: Path) -> None:
    known, net = DensityLabels.load(labels), network()
    graphs = labelled_graphs(
        known, "train", net.layout, NETWORK.cutoff, torch.device("cpu"), torch.float64
    )
    errors = errors_of(graphs, wrong_coefficients(graphs, net, net.layout.width))
    one = known.of_split("train")[1]
    model = DensityModel(net, known.free_atoms, tables()[2], 7.0, {})
    found = model.coefficients(Molecule("1", one.numbers.astype(np.uint8), one.positions))
    wrong = found - one.coefficients
    potential = potential_matrix(known.basis, ETHANOL, one.positions, one.points) @ wrong
    coulomb = wrong @ coulomb_matrix(BASIS, ETHANOL, one.positions) @ wrong
    assert errors.coulomb[1].item() == pytest.approx(coulomb / 9, rel=1e-9)
    assert errors.potential[1].item() == pytest.approx(np.mean(potential**2), rel=1e-9)
    total = errors.coulomb + WEIGHT * errors.potential / 9
    torch.testing.assert_close(errors.per_molecule(WEIGHT), total, rtol=1e-12, atol=0.0)


@pytest.mark.parametrize(
    ("content", "what"), [(b"", "no labels of densities"), (None, "does not exist")]
)
def test_bad_files_are_named(content: bytes | None, what: str, tmp_path: Path) -> None:
    path = tmp_path / "labels.pt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=what):
        DensityLabels.load(path)


def test_a_damaged_model_is_named(straight: tuple[bytes, Path], tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(straight[0][:-100])
    with pytest.raises(InputError, match="no density model"):
        DensityModel.load(path)
    model = DensityModel.load(straight[1] / "model.pt")
    sulphide = Molecule("H2S", np.array([16, 1, 1], np.uint8), POSITIONS[:3])
    with pytest.raises(InputError, match="no functions for S"):
        model.coefficients(sulphide)


def test_unknown_settings_are_refused(labels: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="exactly the keys"):
        trained(labels, tmp_path, momentum=0.9)


def test_labels_come_back_from_their_file(labels: Path, tmp_path: Path) -> None:
    known = DensityLabels.load(labels)
    known.save(tmp_path / "again.pt")
    again = DensityLabels.load(tmp_path / "again.pt")
    assert again.digest() == known.digest()
    assert again.basis == known.basis
    electrons = function_moments(known.basis, ETHANOL, POSITIONS).number
    for molecule in again.molecules:
        assert electrons @ molecule.coefficients == pytest.approx(26.0, abs=1e-9)

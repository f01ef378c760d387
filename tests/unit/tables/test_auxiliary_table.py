"""The table of dipoles with the help of charges: numbers of fabricated models."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mepflow.evaluation.sources import sources_of
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.tables.auxiliary_table import write_auxiliary_table
from mepflow.tables.learning_curve_table import steps_of
from mepflow.units import E_BOHR_IN_DEBYE

IDS = [f"m{k:02d}" for k in range(12)]
TEST = IDS[:8]
CHARGES = np.array([0.3, -0.3])
ROW: dict[str, Any] = {"atomic_terms": ["charges"], "quadrupole_from": "charges"}
VARIANTS = {
    "AC-N-q10": ROW
    | {"loss_weights": {"dipole_norm": 1.0, "charges": 10.0}, "charges_like": "mulliken"},
    "AC-N": ROW | {"loss_weights": {"dipole_norm": 1.0}},
}
FACTORS = {
    # What each seed's charges are, as a multiple of the true ones; one seed has all reversed.
    "0.5": {"AC-N": (1.4, 1.4, 1.4), "AC-N-q10": (1.3, 1.3, 1.3)},
    "1": {"AC-N": (1.2, -1.2, 1.2), "AC-N-q10": (1.1, 1.1, 1.1)},
}
MEP = {"AC-N": 4.0, "AC-N-q10": 3.0}


def molecules_with(factor: float, ids: list[str]) -> MoleculeTable:
    """Return molecules of two atoms with the charges ±0.3 e times ``factor``."""
    numbers = np.array([1, 8], np.uint8)
    length = {key: 1.0 + k for k, key in enumerate(IDS)}
    molecules = [Molecule(key, numbers, np.array([[0, 0, 0], [0, 0, length[key]]])) for key in ids]
    dipoles = [[0.0, 0.0, factor * CHARGES[1] * length[key]] for key in ids]
    charges = [factor * CHARGES] * len(ids)
    return MoleculeTable.from_molecules(molecules, {"dipole": dipoles, "atomic_charges": charges})


def write_model(folder: Path, factor: float, error: float) -> None:
    folder.mkdir(parents=True)
    molecules_with(factor, TEST).save(folder / "predictions.h5")
    mep = pd.DataFrame({"id": TEST, "molecule": TEST, "grid": "mk", "rmse_kcal_per_mol_e": error})
    mep.to_csv(folder / "mep.csv", index=False)


@pytest.fixture
def table(tmp_path: Path) -> Iterator[tuple[pd.DataFrame, str]]:
    reference = molecules_with(1.0, IDS)
    charges = np.tile(CHARGES, len(IDS))
    reference.with_properties(mulliken_charges=charges).save(tmp_path / "reference.h5")
    steps = []
    for size, factors in FACTORS.items():
        training = 1 if size == "0.5" else 3
        splits = ["test"] * 8 + ["train"] * training + ["unused"] * (3 - training) + ["validation"]
        folder = tmp_path / size
        files: dict[str, list[str]] = {"predictions": [], "mep": []}
        for name, of_seeds in factors.items():
            for seed, factor in enumerate(of_seeds, start=1):
                place = folder / name / f"seed-{seed}"
                write_model(place, factor, MEP[name])
                for kind, suffix in (("predictions", "h5"), ("mep", "csv")):
                    files[kind].append(str(place / f"{kind}.{suffix}"))
        pd.DataFrame({"id": IDS, "split": splits, "showcase": 0}).to_csv(
            folder / "splits.csv", index=False
        )
        steps += steps_of([str(folder / "splits.csv")], **files)
    write_model(tmp_path / "mulliken", 1.0, 2.0)
    baseline = tmp_path / "mulliken"
    baselines = tuple(sources_of([baseline / name]) for name in ("predictions.h5", "mep.csv"))
    outputs = tmp_path / "t.csv", tmp_path / "t.md"
    files_of = (tmp_path / "reference.h5", "mk", *outputs)
    write_auxiliary_table(steps, (baselines[0], baselines[1]), VARIANTS, *files_of)
    return pd.read_csv(outputs[0]), outputs[1].read_text()


def test_rows_are_sizes_by_variant_then_baselines(table: tuple[pd.DataFrame, str]) -> None:
    frame, _ = table
    names = ["AC-N-q10", "AC-N-q10", "AC-N", "AC-N", "mulliken"]
    assert list(frame["representation"]) == names
    assert list(frame["n_training"]) == [1, 3, 1, 3, 0]
    assert list(frame["charges_weight"].fillna(-1)) == [10, 10, 0, 0, -1]
    assert (frame["n_seeds"][:4] == 3).all()


def test_errors_gains_and_directions_are_those_of_the_models(
    table: tuple[pd.DataFrame, str],
) -> None:
    frame = table[0].set_index(["representation", "n_training"])
    mean = 0.3 * np.mean(np.arange(1.0, 9.0)) * E_BOHR_IN_DEBYE
    expected = {("AC-N", 1): 0.4, ("AC-N-q10", 1): 0.3, ("AC-N", 3): 0.2, ("AC-N-q10", 3): 0.1}
    for key, part in expected.items():
        assert frame.loc[key, "dipole_norm_mae_debye"] == pytest.approx(part * mean, rel=1e-12)
    gains = frame[[f"dipole_norm_gain_percent{end}" for end in ("", "_low", "_high")]]
    np.testing.assert_allclose(gains.loc[("AC-N-q10", 1)], 25.0, rtol=1e-9)
    np.testing.assert_allclose(gains.loc[("AC-N-q10", 3)], 50.0, rtol=1e-9)
    assert gains.loc["AC-N"].isna().all(axis=None)
    np.testing.assert_allclose(frame.loc["AC-N-q10", "mep_gain_percent"], 25.0, rtol=1e-12)
    assert frame.loc[("AC-N", 3), "share_right"] == pytest.approx(2 / 3)
    assert frame.loc[("AC-N", 3), "share_right_lowest_seed"] == 0.0
    assert frame.loc[("AC-N-q10", 3), "charges_rmse_e"] == pytest.approx(0.03, rel=1e-12)
    reversed_one = np.sqrt((2 * 0.2**2 + 2.2**2) / 3) * 0.3
    assert frame.loc[("AC-N", 3), "charges_rmse_e"] == pytest.approx(reversed_one, rel=1e-12)
    components = reversed_one * np.sqrt(np.mean(np.arange(1.0, 9.0) ** 2) / 3)
    assert frame.loc[("AC-N", 3), "dipole_rmse_e_bohr"] == pytest.approx(components, rel=1e-12)


def test_the_page_has_the_share_beside_every_potential(table: tuple[pd.DataFrame, str]) -> None:
    _, markdown = table
    assert "mean over molecules" in markdown
    assert "mean over atoms" in markdown
    lines = [[cell.strip() for cell in line.split(" | ")] for line in markdown.splitlines()]
    line = next(line for line in lines if line[0] == "| AC-N" and line[4] == "3")
    assert line[8:10] == ["67, 0", "4.00"]

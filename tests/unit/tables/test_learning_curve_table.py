"""Learning curves: which errors belong to which size of the training set."""

import numpy as np
import pandas as pd
import pytest

from mepflow.evaluation.sources import sources_of
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.tables.learning_curve_table import steps_of, write_learning_curve_table

IDS = [f"m{k}" for k in range(8)]


def write_errors(path, error):
    path.parent.mkdir(parents=True)
    test = ["m5", "m6", "m7"]
    mep = pd.DataFrame({"id": test * 2, "molecule": test * 2, "grid": ["mk"] * 3 + ["shell"] * 3})
    mep["rmse_kcal_per_mol_e"] = [0.5 * error, error, 3 * error, 99.0, 99.0, 99.0]
    mep.to_csv(path.parent / "mep.csv", index=False)
    multipoles = pd.DataFrame({"id": test, "molecule": test, "dipole_rmse_e_bohr": 0.1 * error})
    multipoles["quadrupole_rmse_e_bohr2"] = 10.0 * error
    multipoles.to_csv(path.parent / "multipoles.csv", index=False)


@pytest.fixture
def run(tmp_path):
    numbers, positions = np.array([1], np.uint8), np.zeros((1, 3))
    # m0 was filtered out after the splits were made.
    table = MoleculeTable.from_molecules([Molecule(key, numbers, positions) for key in IDS[1:]])
    table.save(tmp_path / "reference.h5")
    files = {"splits": [], "mep": [], "multipoles": []}
    for folder, training, error in (("0.5", 2, 2.0), ("1", 4, 1.0)):
        splits = ["train"] * training + ["unused"] * (4 - training) + ["validation"] + ["test"] * 3
        frame = pd.DataFrame({"id": IDS, "split": splits, "showcase": 0})
        for variant, factor in (("AC-D", 1.0), ("AC-Q", 2.0)):
            path = tmp_path / folder / variant / "seed-1" / "x.csv"
            write_errors(path, factor * error)
            for name in ("mep", "multipoles"):
                files[name].append(str(path.parent / f"{name}.csv"))
        frame.to_csv(tmp_path / folder / "splits.csv", index=False)
        files["splits"].append(str(tmp_path / folder / "splits.csv"))
    write_errors(tmp_path / "fitted-charges" / "x.csv", 0.1)
    return tmp_path, steps_of(**files)


def table_of(folder, steps, floors=("fitted-charges",)):
    sources = [
        sources_of([folder / floor / f"{name}.csv" for floor in floors])
        for name in ("mep", "multipoles")
    ]
    files = folder / "curve.csv", folder / "curve.md"
    write_learning_curve_table(steps, *sources, folder / "reference.h5", "mk", *files)
    return pd.read_csv(files[0]), files[1].read_text()


def test_each_size_has_its_own_errors(run) -> None:
    frame, markdown = table_of(*run)
    assert list(frame["representation"]) == ["AC-D", "AC-D", "AC-Q", "AC-Q", "fitted-charges"]
    assert list(frame["n_training"]) == [1, 3, 1, 3, 0]  # without the molecule that was filtered
    assert list(frame["median_rmse_kcal_per_mol_e"]) == pytest.approx([2.0, 1.0, 4.0, 2.0, 0.1])
    assert list(frame["median_dipole_rmse_e_bohr"]) == pytest.approx([0.2, 0.1, 0.4, 0.2, 0.01])
    assert frame["median_quadrupole_rmse_e_bohr2"].iloc[0] == pytest.approx(20.0)
    assert frame["low_rmse_kcal_per_mol_e"].isna().all()  # three molecules have no interval
    assert (frame["n_molecules"] == 3).all()
    assert "Fitted charges" in markdown.splitlines()[-1]


def test_a_dataset_without_floors_has_a_curve(run) -> None:
    frame, _ = table_of(*run, floors=())
    assert list(frame["n_training"]) == [1, 3, 1, 3]

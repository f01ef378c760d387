import numpy as np
import pandas as pd
import pytest

from mepflow.errors import InputError
from mepflow.evaluation.multipole_errors import COLUMNS, evaluate_multipoles
from mepflow.molecules import MoleculeTable


def test_errors_worked_out_by_hand(system, tmp_path):
    path = system.predict(system.terms)
    table = MoleculeTable.load(path)
    table.properties["dipole"][0] += [0.3, 0.0, -0.4]
    change = np.array([[1.0, 2.0, 0.0], [2.0, -1.0, 0.0], [0.0, 0.0, 0.0]])
    table.properties["quadrupole"][1] += change
    table.save(path)
    evaluate_multipoles(path, system.reference, tmp_path / "errors.csv")
    frame = pd.read_csv(tmp_path / "errors.csv").set_index("id")
    assert ("id", *frame.columns) == COLUMNS
    first, second, third = (frame.loc[f"gdb_00000{k}"] for k in (1, 2, 3))
    assert first["dipole_rmse_e_bohr"] == pytest.approx(np.sqrt(0.25 / 3))
    assert first["dipole_mae_e_bohr"] == pytest.approx(0.7 / 3)
    true = system.table.properties["dipole"][0]
    assert first["dipole_norm_error_e_bohr"] == pytest.approx(
        np.linalg.norm(true + np.array([0.3, 0.0, -0.4])) - np.linalg.norm(true)
    )
    assert first["quadrupole_rmse_e_bohr2"] == pytest.approx(0.0, abs=1e-12)
    # xx, yy and one xy of the six stored components: an off-diagonal one counts once.
    assert second["quadrupole_rmse_e_bohr2"] == pytest.approx(np.sqrt((1 + 1 + 4) / 6))
    assert second["quadrupole_mae_e_bohr2"] == pytest.approx(4 / 6)
    assert third.drop("molecule").abs().max() < 1e-12


def test_other_order_is_matched_by_id(system, tmp_path):
    path = system.predict(system.terms[::-1], rows=[3, 2, 1, 0])
    evaluate_multipoles(path, system.reference, tmp_path / "errors.csv")
    frame = pd.read_csv(tmp_path / "errors.csv", index_col="id")
    assert frame.drop(columns="molecule").abs().to_numpy().max() < 1e-12


def test_a_file_without_multipoles_is_refused(system, tmp_path):
    path = system.predict(system.terms)
    table = MoleculeTable.load(path)
    del table.properties["quadrupole"]
    table.save(path)
    with pytest.raises(InputError, match="holds no dipoles and quadrupoles"):
        evaluate_multipoles(path, system.reference, tmp_path / "errors.csv")

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mepflow.errors import InputError
from mepflow.evaluation.mep_errors import COLUMNS, WITH_PENETRATION, evaluate_mep, mep_errors
from mepflow.geometry.planes import Plane
from mepflow.molecules import GridValues, Molecule
from mepflow.units import HARTREE_PER_E_IN_KCAL_PER_MOL_E


def test_errors_of_values_worked_out_by_hand():
    errors = mep_errors(np.array([1.0, -1.0, 3.0]), np.array([1.0, 0.0, 1.0]))
    assert errors.n_points == 3
    assert errors.rmse == pytest.approx(np.sqrt(5 / 3))
    assert errors.mae == pytest.approx(1.0)
    assert errors.relative_rmse == pytest.approx(np.sqrt(5 / 11))
    assert errors.r2 == pytest.approx(1 - 5 / 8)  # Σ (V − 1)² = 0 + 4 + 4


def test_r2_is_about_the_mean_and_relative_rmse_about_zero():
    """A constant shift of both changes the relative RMSE but not R²."""
    rng = np.random.default_rng(0)
    reference, noise = rng.normal(size=50), 0.1 * rng.normal(size=50)
    near, far = (mep_errors(reference + c, reference + noise + c) for c in (0.0, 10.0))
    assert far.r2 == pytest.approx(near.r2)
    assert far.relative_rmse < 0.2 * near.relative_rmse


def test_measures_without_a_scale_are_not_a_number():
    assert np.isnan(mep_errors(np.zeros(3), np.ones(3)).relative_rmse)
    assert np.isnan(mep_errors(np.ones(3), np.zeros(3)).r2)


def test_exact_charges_have_no_error(system_with_dipoles, tmp_path):
    system = system_with_dipoles
    evaluate_mep(system.predict(system.terms), system.reference, tmp_path / "mep.csv")
    frame = pd.read_csv(tmp_path / "mep.csv")
    assert tuple(frame.columns) == COLUMNS
    assert len(frame) == 8
    assert set(frame["grid"]) == {"mk", "chelpg"}
    assert frame["rmse_kcal_per_mol_e"].max() < 1e-9
    assert frame["r2"].min() > 1 - 1e-12


def test_a_known_error_comes_out_in_kcal_per_mol_e(system, tmp_path):
    """All charges 10 % too large: the error is 0.1 V, so its RMSE is 0.1 of the rms reference."""
    terms = [(1.1 * charges, None) for charges, _ in system.terms]
    evaluate_mep(system.predict(terms), system.reference, tmp_path / "mep.csv")
    frame = pd.read_csv(tmp_path / "mep.csv").set_index(["id", "grid"])
    np.testing.assert_allclose(frame["relative_rmse"], 0.1, rtol=1e-9)
    for index, molecule in enumerate(system.molecules):
        values = system.table.grids["mk"].of(index)[1]
        row = frame.loc[(molecule.id, "mk")]
        expected = 0.1 * np.sqrt(np.mean(values**2)) * HARTREE_PER_E_IN_KCAL_PER_MOL_E
        assert row["rmse_kcal_per_mol_e"] == pytest.approx(expected)
        assert row["mae_kcal_per_mol_e"] == pytest.approx(
            0.1 * np.mean(np.abs(values)) * HARTREE_PER_E_IN_KCAL_PER_MOL_E
        )
        assert row["n_points"] == 60


def test_predictions_may_be_fewer_and_in_another_order(system, tmp_path):
    path = system.predict([system.terms[2], system.terms[0]], rows=[2, 0])
    evaluate_mep(path, system.reference, tmp_path / "mep.csv")
    frame = pd.read_csv(tmp_path / "mep.csv")
    assert set(frame["id"]) == {"gdb_000001", "gdb_000003"}
    assert frame["rmse_kcal_per_mol_e"].max() < 1e-9


def test_molecules_without_points_and_planes_are_left_out(system, tmp_path):
    grid = system.table.grids["mk"]
    parts = [grid.of(i) if i else (np.empty((0, 3)), np.empty(0)) for i in range(4)]
    plane = Plane((2, 3), np.zeros(3), np.eye(3)[0], np.eye(3)[1], 0.5)
    # A plane goes through the atoms: evaluating it would fail.
    through = [(m.positions, np.zeros(len(m))) for m in system.molecules]
    system.table = replace(
        system.table,
        grids={
            "mk": GridValues.from_ragged(parts),
            "plane": GridValues.from_ragged(through),
        },
        metadata={
            "grids": {"plane": {"gdb_000001": plane.to_metadata()}},
            "grid_settings": {"plane": {"kind": "plane"}},
        },
    )
    system.save()
    evaluate_mep(system.predict(system.terms), system.reference, tmp_path / "mep.csv")
    frame = pd.read_csv(tmp_path / "mep.csv")
    assert set(frame["grid"]) == {"mk"}
    assert list(frame["id"]) == ["gdb_000002", "gdb_000003", "gdb_000004"]


def test_a_reference_without_points_is_refused(system, tmp_path):
    system.table = replace(system.table, grids={})
    system.save()
    with pytest.raises(InputError, match="holds no MEP of the molecules"):
        evaluate_mep(system.predict(system.terms), system.reference, tmp_path / "mep.csv")
    assert not (tmp_path / "mep.csv").exists()


def test_a_molecule_without_reference_is_named(system, tmp_path):
    stranger = Molecule("gdb_000099", np.array([1], np.uint8), np.zeros((1, 3)))
    system.molecules.append(stranger)
    terms = [*system.terms, (np.zeros(1), None)]
    with pytest.raises(InputError, match="gdb_000099"):
        evaluate_mep(system.predict(terms), system.reference, tmp_path / "mep.csv")


@pytest.mark.parametrize(
    "change",
    [
        {"positions": lambda m: m.positions + 0.01},
        {"atomic_numbers": lambda m: m.atomic_numbers + np.uint8(1)},
        {"total_charge": lambda m: m.total_charge + 1},
    ],
)
def test_predictions_of_another_geometry_are_refused(system, tmp_path, change):
    name, function = next(iter(change.items()))
    system.molecules[1] = replace(system.molecules[1], **{name: function(system.molecules[1])})
    with pytest.raises(InputError, match="gdb_000002 with other atoms"):
        evaluate_mep(system.predict(system.terms), system.reference, tmp_path / "mep.csv")


def test_a_file_without_charges_is_not_a_predictions_file(system, tmp_path):
    with pytest.raises(InputError, match="no atomic charges"):
        evaluate_mep(system.reference, system.reference, tmp_path / "mep.csv")


def test_a_grid_point_on_an_atom_is_reported_with_its_molecule(system, tmp_path):
    system.table.grids["mk"].points[60] = system.molecules[1].positions[0]
    system.save()
    with pytest.raises(InputError, match=r"gdb_000002, grid mk: point 0 lies on atom 0"):
        evaluate_mep(system.predict(system.terms), system.reference, tmp_path / "mep.csv")


def test_penetration_stands_beside_the_errors_of_points(system_with_shells, widths, tmp_path):
    """The exact terms with the shells of the reference: no error is left, and none is changed."""
    system = system_with_shells
    path = system.predict(system.terms)
    evaluate_mep(path, system.reference, tmp_path / "points.csv")
    evaluate_mep(path, system.reference, tmp_path / "mep.csv", widths)
    frame = pd.read_csv(tmp_path / "mep.csv")
    assert tuple(frame.columns) == (*COLUMNS, WITH_PENETRATION)
    assert frame[WITH_PENETRATION].max() < 1e-9
    assert frame["rmse_kcal_per_mol_e"].min() > 1e-2
    pd.testing.assert_frame_equal(frame[list(COLUMNS)], pd.read_csv(tmp_path / "points.csv"))


def test_molecules_without_a_width_are_named_and_left_empty(
    system_with_shells, widths, tmp_path, caplog
):
    system = system_with_shells
    known = {name: width for name, width in widths.items() if name != "N"}
    evaluate_mep(system.predict(system.terms), system.reference, tmp_path / "mep.csv", known)
    frame = pd.read_csv(tmp_path / "mep.csv")
    empty = set(frame["id"][frame[WITH_PENETRATION].isna()])
    with_nitrogen = {m.id for m in system.molecules if 7 in m.atomic_numbers}
    assert empty == with_nitrogen
    assert 0 < len(empty) < len(system.molecules)
    assert f"{2 * len(empty)} rows without penetration: no width for N" in caplog.text

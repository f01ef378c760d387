from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mepflow import naming
from mepflow.errors import ConfigError, InputError, StateError
from mepflow.evaluation import exact_moment_fits
from mepflow.evaluation.baselines import BASELINES, evaluate_baseline, fit_baseline
from mepflow.evaluation.free_fits import ORDERS
from mepflow.evaluation.mep_errors import WITH_PENETRATION, evaluate_mep
from mepflow.molecules import MoleculeTable


def fitted(system, name, grid="mk"):
    output = system.folder / f"{name}.h5"
    fit_baseline(name, system.reference, system.splits, grid, output)
    return MoleculeTable.load(output)


@pytest.mark.parametrize("grid", ["mk", "chelpg"])
def test_fit_finds_the_charges_a_mep_was_made_of(system, grid):
    table = fitted(system, "fitted-charges", grid)
    exact = np.concatenate([charges for charges, _ in system.terms])
    np.testing.assert_allclose(table.properties["atomic_charges"], exact, atol=1e-8)
    assert "atomic_dipoles" not in table.properties
    assert table.metadata == {"name": "fitted-charges", "seed": None, "grid": grid}


def test_fit_finds_charges_and_dipoles(system_with_dipoles):
    system = system_with_dipoles
    table = fitted(system, "fitted-charges-dipoles")
    for name, part in (("atomic_charges", 0), ("atomic_dipoles", 1)):
        exact = np.concatenate([terms[part] for terms in system.terms])
        np.testing.assert_allclose(table.properties[name], exact, atol=1e-6)
    for name in ("dipole", "quadrupole"):
        np.testing.assert_allclose(table.properties[name], system.table.properties[name], atol=1e-6)


def test_mulliken_charges_are_copied_with_their_own_multipoles(system):
    table = fitted(system, "mulliken")
    exact = np.concatenate([charges for charges, _ in system.terms])
    np.testing.assert_allclose(table.properties["atomic_charges"], 0.5 * exact)
    np.testing.assert_allclose(
        table.properties["quadrupole"], 0.5 * system.table.properties["quadrupole"], atol=1e-13
    )


def test_only_test_molecules_in_the_order_of_their_ids(system):
    system.splits.write_text(
        "id,split,showcase\ngdb_000004,test,1\ngdb_000001,train,0\n"
        "gdb_000002,test,0\ngdb_000003,validation,0\n"
    )
    assert fitted(system, "mulliken").ids == ["gdb_000002", "gdb_000004"]


def test_the_configuration_knows_the_same_baselines():
    assert list(BASELINES) == list(naming.BASELINES)


def test_unknown_baseline(system):
    with pytest.raises(ConfigError, match="'resp' does not exist: choose among mulliken"):
        fitted(system, "resp")


def test_unknown_grid(system):
    with pytest.raises(InputError, match="no grid 'shell'"):
        fitted(system, "fitted-charges", "shell")


def test_too_few_points_are_refused_with_the_molecules_name(system):
    system.table = replace(
        system.table,
        grids={"mk": system.table.select([0, 0, 0, 0]).grids["mk"]},
    )
    grid = system.table.grids["mk"]
    short = replace(grid, point_offsets=np.array([0, 60, 62, 122, 240]))
    system.table = replace(system.table, grids={"mk": short})
    system.save()
    with pytest.raises(InputError, match="gdb_000002 on grid mk: 2 points cannot determine 4"):
        fitted(system, "fitted-charges")


def test_splits_of_other_data(system):
    system.splits.write_text(
        "id,split,showcase\ngdb_000001,train,0\ngdb_000002,validation,0\ngdb_000050,test,0\n"
    )
    with pytest.raises(StateError, match="make the splits of these data again"):
        fitted(system, "mulliken")


def test_missing_splits(system):
    system.splits.unlink()
    with pytest.raises(InputError, match="does not exist"):
        fitted(system, "mulliken")


def test_fits_are_made_again_with_penetration(system_with_shells, widths):
    """Without shells no fit can make this potential; with them charges and dipoles make it all."""
    system = system_with_shells
    output, errors = system.folder / "fit.h5", system.folder / "mep.csv"
    arguments = (system.reference, system.splits, "mk", output, errors, widths)
    evaluate_baseline("fitted-charges-dipoles", *arguments)
    frame = pd.read_csv(errors)
    assert frame[WITH_PENETRATION].max() < 1e-6
    assert frame["rmse_kcal_per_mol_e"].min() > 1e-3
    whole = fitted(system, "fitted-charges-dipoles")
    for name, values in MoleculeTable.load(output).properties.items():
        np.testing.assert_array_equal(values, whole.properties[name])


def test_other_baselines_keep_their_terms(system_with_shells, widths):
    system = system_with_shells
    output, errors = system.folder / "mulliken.h5", system.folder / "mep.csv"
    evaluate_baseline("mulliken", system.reference, system.splits, "mk", output, errors, widths)
    again = system.folder / "again.csv"
    evaluate_mep(output, system.reference, again, widths)
    assert errors.read_text() == again.read_text()


@pytest.mark.parametrize("name", exact_moment_fits.ORDERS)
def test_fits_with_exact_moments_keep_these_with_penetration_too(system_with_shells, widths, name):
    """Charges and dipoles made the reference, so the fit with penetration leaves nothing."""
    system, output = system_with_shells, system_with_shells.folder / "fit.h5"
    errors = system.folder / "mep.csv"
    evaluate_baseline(name, system.reference, system.splits, "mk", output, errors, widths)
    table, frame = MoleculeTable.load(output), pd.read_csv(errors).query("grid == 'mk'")
    if name == "fitted-charges-dipoles-exact-moments":
        for moment in ("dipole", "quadrupole"):
            exact = system.table.properties[moment]
            np.testing.assert_allclose(table.properties[moment], exact, atol=1e-10)
        assert (frame[WITH_PENETRATION] < 1e-6).all()
        assert (frame["rmse_kcal_per_mol_e"] > 0.01).all()
    free = system.folder / "free.csv"
    other = name.replace("-exact-moments", "")
    evaluate_baseline(other, system.reference, system.splits, "mk", output, free, widths)
    floor = pd.read_csv(free).query("grid == 'mk'")
    for column in ("rmse_kcal_per_mol_e", WITH_PENETRATION):
        assert (frame[column] >= floor[column] - 1e-6).all()


def test_fits_with_exact_moments_need_these(system):
    system.table = replace(system.table, properties={})
    system.save()
    with pytest.raises(InputError, match="no dipole and quadrupole"):
        fitted(system, "fitted-charges-exact-moments")


def test_each_fit_has_the_terms_of_the_one_before(system_with_shells):
    """More terms leave less, and the floors of the names are those of the fits."""
    system = system_with_shells
    assert list(ORDERS) == list(naming.FLOORS)
    left = []
    for name in ORDERS:
        output, errors = system.folder / f"{name}.h5", system.folder / "mep.csv"
        evaluate_baseline(name, system.reference, system.splits, "mk", output, errors)
        frame = pd.read_csv(errors).query("grid == 'mk'")
        left.append(frame["rmse_kcal_per_mol_e"].to_numpy())
    assert (left[1] < left[0]).all()
    assert (left[2] < left[1]).all()

from dataclasses import replace

import numpy as np
import pytest

from mepflow import naming
from mepflow.errors import ConfigError, InputError, StateError
from mepflow.evaluation.baselines import BASELINES, fit_baseline
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

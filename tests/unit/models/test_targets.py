import pytest

from mepflow.fields import FIELDS
from mepflow.models.targets import ALWAYS_LOGGED, CHARGES_LIKE, TARGETS, TASKS


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_is_consistent_with_the_catalogue_of_fields(name: str) -> None:
    target = TARGETS[name]
    assert target.name == name
    assert target.task is None or target.task in TASKS
    for field in target.fields:
        assert (FIELDS[field].per, FIELDS[field].units) == (target.per, target.unit)


@pytest.mark.parametrize("scheme", CHARGES_LIKE)
def test_charges_are_atomic_charges_of_the_scheme(scheme: str) -> None:
    fields = TARGETS["charges"].label_fields(scheme)
    assert fields == CHARGES_LIKE[scheme]
    assert {(FIELDS[name].per, FIELDS[name].shape, FIELDS[name].units) for name in fields} == {
        ("atom", (), "e")
    }


def test_columns_have_target_and_unit_in_their_names() -> None:
    columns = {name: target.error_columns()[1] for name, target in TARGETS.items()}
    assert columns == {
        "dipole": "validation_dipole_rmse_e_bohr",
        "quadrupole": "validation_quadrupole_rmse_e_bohr2",
        "dipole_norm": "validation_dipole_norm_rmse_e_bohr",
        "charges": "validation_charges_rmse_e",
        "mep": "validation_mep_rmse_kcal_per_mol_e",
        "energy": "validation_energy_rmse_hartree",
        "forces": "validation_forces_rmse_hartree_per_bohr",
    }


def test_what_is_always_logged_can_be_learned() -> None:
    assert all(TARGETS[name].task for name in ALWAYS_LOGGED)

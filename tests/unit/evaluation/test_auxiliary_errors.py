"""Dipoles of the right size that point the right or the wrong way, and errors of charges."""

from typing import Any

import numpy as np
import pytest

from mepflow.evaluation.auxiliary_errors import POLAR_DEBYE, auxiliary_errors, reference_charges
from mepflow.evaluation.sources import Source
from mepflow.molecules import MoleculeTable
from mepflow.units import E_BOHR_IN_DEBYE


def predicted(system: Any, factor: float) -> Source:
    """Return a file in which all charges, and so the dipoles, are ``factor`` times the true."""
    table = MoleculeTable.from_molecules(
        system.molecules,
        {
            "atomic_charges": [factor * charges for charges, _ in system.terms],
            "dipole": factor * system.table.properties["dipole"],
        },
    )
    path = system.folder / "X" / "seed-1" / "predictions.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    table.save(path)
    return Source("X", 1, path)


@pytest.mark.parametrize(("factor", "right"), [(1.0, 1.0), (-1.0, 0.0), (1.25, 1.0)])
def test_a_dipole_is_judged_by_its_size_and_by_its_direction(
    system: Any, factor: float, right: float
) -> None:
    found = auxiliary_errors([predicted(system, factor)], system.table, "mulliken")
    dipole = system.table.properties["dipole"]
    sizes = np.linalg.norm(dipole, axis=1)
    lengths = abs(abs(factor) - 1.0) * sizes * E_BOHR_IN_DEBYE
    np.testing.assert_allclose(found["dipole_norm_error_debye"], lengths, atol=1e-12)
    np.testing.assert_allclose(
        found["dipole_rmse_e_bohr"], abs(factor - 1.0) * sizes / np.sqrt(3.0), atol=1e-12
    )
    assert list(found["points_right"]) == [right] * 4
    # The reference's Mulliken charges are half of those that make its potential.
    charges = [(factor - 0.5) * np.sqrt(np.mean(q**2)) for q, _ in system.terms]
    np.testing.assert_allclose(found["charges_rmse_e"], np.abs(charges), rtol=1e-12)


def test_a_molecule_without_a_dipole_has_no_right_direction(system: Any) -> None:
    dipole = system.table.properties["dipole"].copy()
    dipole[2] *= 0.9 * POLAR_DEBYE / E_BOHR_IN_DEBYE / np.linalg.norm(dipole[2])
    table = system.table.with_properties(dipole=dipole)
    found = auxiliary_errors([predicted(system, 1.0)], table, "mulliken")
    assert np.isnan(found["points_right"]).tolist() == [False, False, True, False]


def test_charges_fitted_to_the_potential_are_those_that_make_it(system: Any) -> None:
    fitted = reference_charges(system.table, "fitted", ["mk"])
    exact = np.concatenate([charges for charges, _ in system.terms])
    np.testing.assert_allclose(fitted, exact, atol=1e-8)


def test_the_first_field_with_a_value_is_taken(system: Any) -> None:
    assert reference_charges(system.table, "mbis", []) is None
    archive = np.arange(len(system.table.positions), dtype=float)
    missing = np.full_like(archive, np.nan)
    table = system.table.with_properties(archive_mulliken_charges=archive, mulliken_charges=missing)
    np.testing.assert_array_equal(reference_charges(table, "mulliken", []), archive)

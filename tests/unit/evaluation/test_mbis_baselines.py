"""Baselines of an archive's MBIS multipoles, and atomic quadrupoles in a predictions file."""

import logging

import numpy as np
import pandas as pd
import pytest

from mepflow.electrostatics.atomic_terms import AtomicTerms, molecular_multipoles
from mepflow.errors import InputError
from mepflow.evaluation.baselines import fit_baseline
from mepflow.evaluation.mbis_baselines import MBIS_BASELINES, MBIS_FIELDS
from mepflow.evaluation.mep_errors import evaluate_mep, predicted_potential
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.multipoles import from_second_moment

LONGEST = "mbis-charges-dipoles-quadrupoles"


def traceless(rng, n):
    moments = rng.normal(size=(n, 3, 3))
    return from_second_moment(moments + moments.transpose(0, 2, 1))


@pytest.fixture
def with_mbis(system_with_dipoles):
    """The system with its own charges and dipoles as MBIS, and random quadrupoles."""
    system, rng = system_with_dipoles, np.random.default_rng(9)
    charges, dipoles = (np.concatenate([t[part] for t in system.terms]) for part in (0, 1))
    columns = (charges, dipoles, traceless(rng, len(charges)))
    system.table = system.table.with_properties(**dict(zip(MBIS_FIELDS, columns, strict=True)))
    system.save()
    return system


def baseline(system, name):
    output = system.folder / f"{name}.h5"
    fit_baseline(name, system.reference, system.splits, "mk", output)
    return MoleculeTable.load(output)


def test_multipoles_of_two_charges_and_an_atomic_quadrupole_by_hand():
    """+1 and −1 at z = ±1: the dipole is 2 along z, and their Θ′ cancel, so the atom's is left.

    The atoms are equal: the centre of nuclear charge is the origin.
    """
    molecule = Molecule("m", np.array([1, 1], np.uint8), np.array([[0.0, 0, 1], [0, 0, -1]]))
    of_atom = np.diag([2.0, -1.0, -1.0])
    terms = AtomicTerms(np.array([1.0, -1.0]), None, np.array([of_atom, np.zeros((3, 3))]))
    dipole, quadrupole = molecular_multipoles(molecule, terms)
    np.testing.assert_allclose(dipole, [0.0, 0.0, 2.0])
    np.testing.assert_allclose(quadrupole, of_atom)


def test_atomic_multipoles_of_charge_clusters_add_up_to_those_of_all_charges():
    """Two atoms made of point charges: charge, dipole and Θ′ of each about its own nucleus."""
    rng = np.random.default_rng(3)
    nuclei = np.array([[0.3, -0.2, 0.1], [1.1, 0.9, -1.4]])
    molecule = Molecule("m", np.array([6, 8], np.uint8), nuclei)
    offsets, charges = rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 5))
    moments = np.einsum("aq,aqi,aqj->aij", charges, offsets, offsets)
    terms = AtomicTerms(
        charges.sum(axis=1),
        np.einsum("aq,aqi->ai", charges, offsets),
        from_second_moment(moments),
    )
    dipole, quadrupole = molecular_multipoles(molecule, terms)
    origin = (6 * nuclei[0] + 8 * nuclei[1]) / 14
    points = (nuclei[:, None] + offsets).reshape(10, 3) - origin
    flat = charges.ravel()
    np.testing.assert_allclose(dipole, flat @ points)
    second = np.einsum("q,qi,qj->ij", flat, points, points)
    np.testing.assert_allclose(quadrupole, from_second_moment(second), atol=1e-12)


def test_the_potential_of_a_linear_quadrupole_on_its_axis():
    """−2 at an atom, +1 at ±s on z: V = 2 s²/(z (z² − s²)) exactly, 2 s²/z³ as a point Θ′."""
    molecule = Molecule("m", np.array([1], np.uint8), np.zeros((1, 3)))
    s, z = 1e-3, 3.0
    theta = from_second_moment(np.diag([0.0, 0.0, 2.0 * s**2]))
    table = MoleculeTable.from_molecules(
        [molecule], {"atomic_charges": [[0.0]], "atomic_quadrupoles": [[theta]]}
    )
    found = predicted_potential(table, 0, np.array([[0.0, 0.0, z]]))
    assert found[0] == pytest.approx(2.0 * s**2 / (z * (z**2 - s**2)), rel=1e-6)


@pytest.mark.parametrize("name", MBIS_BASELINES)
def test_a_baseline_has_the_archives_multipoles_up_to_its_order(with_mbis, name):
    table = baseline(with_mbis, name)
    order = MBIS_BASELINES[name]
    atomic = ("atomic_charges", "atomic_dipoles", "atomic_quadrupoles")
    for field, archive in zip(atomic[:order], MBIS_FIELDS, strict=False):
        np.testing.assert_array_equal(table.properties[field], with_mbis.table.properties[archive])
    assert set(table.properties) == {*atomic[:order], "dipole", "quadrupole"}
    if order == 2:  # the very terms that the reference was made of
        for field in ("dipole", "quadrupole"):
            np.testing.assert_allclose(
                table.properties[field], with_mbis.table.properties[field], atol=1e-12
            )


def test_atomic_quadrupoles_count_in_the_mep_and_in_the_molecular_quadrupole(with_mbis):
    two, three = baseline(with_mbis, "mbis-charges-dipoles"), baseline(with_mbis, LONGEST)
    quadrupoles = with_mbis.table.properties[MBIS_FIELDS[2]]
    sums = np.add.reduceat(quadrupoles, two.atom_offsets[:-1])
    np.testing.assert_allclose(
        three.properties["quadrupole"] - two.properties["quadrupole"], sums, atol=1e-12
    )
    np.testing.assert_array_equal(three.properties["dipole"], two.properties["dipole"])
    point = np.array([[9.0, -8.0, 7.0]])
    extra = predicted_potential(three, 1, point) - predicted_potential(two, 1, point)
    d = point[0] - two.molecule(1).positions
    theta = quadrupoles[two.atoms(1)]
    expected = 0.5 * np.einsum("ai,aij,aj->a", d, theta, d) / np.linalg.norm(d, axis=1) ** 5
    assert extra[0] == pytest.approx(expected.sum(), rel=1e-9)


def test_molecules_without_mbis_are_left_out_and_counted(with_mbis, caplog):
    charges = with_mbis.table.properties[MBIS_FIELDS[0]]
    charges[with_mbis.table.atoms(1)] = np.nan
    dipoles = with_mbis.table.properties[MBIS_FIELDS[1]]
    dipoles[with_mbis.table.atoms(2)][0] = np.nan
    with_mbis.save()
    with caplog.at_level(logging.WARNING):
        assert baseline(with_mbis, "mbis-charges").ids == ["gdb_000001", "gdb_000003", "gdb_000004"]
    assert "mbis-charges: 1 of 4 test molecules have no MBIS" in caplog.text
    assert caplog.text.rstrip().endswith("the first is gdb_000002")
    assert baseline(with_mbis, "mbis-charges-dipoles").ids == ["gdb_000001", "gdb_000004"]
    output = with_mbis.folder / "mep.csv"
    evaluate_mep(with_mbis.folder / "mbis-charges-dipoles.h5", with_mbis.reference, output)
    frame = pd.read_csv(output)
    assert set(frame["id"]) == {"gdb_000001", "gdb_000004"}
    assert frame["rmse_kcal_per_mol_e"].max() < 1e-9


def test_a_dataset_without_mbis_is_refused(with_mbis):
    properties = with_mbis.table.properties
    for name in MBIS_FIELDS[1:]:
        del properties[name]
    properties[MBIS_FIELDS[0]][:] = np.nan
    with_mbis.save()
    for name in ("mbis-charges", LONGEST):
        with pytest.raises(InputError, match=f"no test molecule has what the baseline {name} "):
            baseline(with_mbis, name)

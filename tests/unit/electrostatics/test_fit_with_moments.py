"""Fits under exact moments: they keep these, and are the best that do."""

import numpy as np
import pytest
from scipy.linalg import null_space

from mepflow.electrostatics.atomic_terms import AtomicTerms, molecular_multipoles
from mepflow.electrostatics.fit_with_moments import Moments, fit_with_moments, moment_matrix
from mepflow.electrostatics.multipole_fit import fit_multipoles
from mepflow.electrostatics.potential import potential
from mepflow.electrostatics.unit_potentials import CHARGES, DIPOLES
from mepflow.molecules import Molecule
from mepflow.multipoles import centre_of_nuclear_charge, traceless_components

ORDERS = (CHARGES, DIPOLES)


def made_up(n_atoms, seed=3, total_charge=1.0, flat=False):
    """Return a molecule, points with a potential that no terms have, and moments that some have."""
    rng = np.random.default_rng(seed)
    positions = 2.0 * rng.normal(size=(n_atoms, 3)) + 20.0
    positions[:, 2] = np.where(flat, 20.0, positions[:, 2])
    molecule = Molecule("a", np.full(n_atoms, 6, np.uint8), positions, int(total_charge))
    directions = rng.normal(size=(300, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    points = positions[rng.integers(n_atoms, size=300)] + 4.0 * directions
    charges = rng.normal(size=n_atoms)
    charges += (total_charge - charges.sum()) / n_atoms
    values = potential(points, positions, charges) + 0.02 * rng.normal(size=300)
    other = charges + null_space(np.ones((1, n_atoms))) @ rng.normal(size=n_atoms - 1)
    moments = Moments(
        *molecular_multipoles(molecule, AtomicTerms(other)),
        centre_of_nuclear_charge(molecule.atomic_numbers, positions),
    )
    return molecule, points, values, moments


def fitted(molecule, points, values, moments, order):
    return fit_with_moments(
        points, values, molecule.positions, molecule.total_charge, moments, order
    )


def error(molecule, points, values, terms):
    return float(np.sum((potential(points, molecule.positions, *terms) - values) ** 2))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("flat", [False, True])
def test_moments_and_total_charge_are_exact(order, flat):
    molecule, *rest, moments = made_up(12, flat=flat)
    terms = fitted(molecule, *rest, moments, order)
    dipole, quadrupole = molecular_multipoles(molecule, terms)
    np.testing.assert_allclose(dipole, moments.dipole, atol=1e-10)
    np.testing.assert_allclose(quadrupole, moments.quadrupole, atol=1e-10)
    assert terms.charges.sum() == pytest.approx(molecule.total_charge, abs=1e-12)
    assert (terms.dipoles is None) == (order == CHARGES)


@pytest.mark.parametrize("order", ORDERS)
def test_no_neighbour_with_the_same_moments_is_better(order):
    molecule, points, values, moments = made_up(12)
    terms = fitted(molecule, points, values, moments, order)
    best = error(molecule, points, values, terms)
    relative = molecule.positions - moments.origin
    rows = np.vstack([moment_matrix(relative, order), np.zeros(12 if order == 0 else 48)])
    rows[-1, :12] = 1.0
    directions = null_space(rows)
    assert directions.shape[1] == rows.shape[1] - 9
    for step in directions.T:
        for size in (-1e-3, 1e-3):
            change = size * step
            dipoles = None if order == CHARGES else terms.dipoles + _dipoles(change)
            moved = AtomicTerms(terms.charges + change[:12], dipoles)
            assert error(molecule, points, values, moved) > best


def _dipoles(change):
    """Return the dipoles (12, 3) of parameters in the order of the columns of the matrix."""
    return change[12:].reshape(12, 3)


@pytest.mark.parametrize("order", ORDERS)
def test_columns_are_the_moments_of_unit_terms(order):
    molecule, *_, moments = made_up(5, total_charge=0.0)
    relative = molecule.positions - moments.origin
    rng = np.random.default_rng(1)
    charges, dipoles = rng.normal(size=5), rng.normal(size=(5, 3))
    terms = AtomicTerms(charges, dipoles if order == DIPOLES else None)
    parameters = np.concatenate([charges, *([dipoles.ravel()] if order == DIPOLES else [])])
    dipole, quadrupole = molecular_multipoles(molecule, terms)
    np.testing.assert_allclose(
        moment_matrix(relative, order) @ parameters,
        [*dipole, *traceless_components(quadrupole[None])[0]],
        atol=1e-12,
    )


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("n_atoms", [2, 3, 5, 9, 12])
def test_the_floor_is_never_below_that_without_constraints(order, n_atoms):
    molecule, points, values, moments = made_up(n_atoms, seed=n_atoms)
    free = fit_multipoles(points, values, molecule.positions, molecule.total_charge, order)
    terms = fitted(molecule, points, values, moments, order)
    assert error(molecule, points, values, terms) >= error(molecule, points, values, free)


def test_moments_of_the_free_fit_give_the_free_fit():
    molecule, points, values, moments = made_up(12)
    free = fit_multipoles(points, values, molecule.positions, molecule.total_charge, DIPOLES)
    own = Moments(*molecular_multipoles(molecule, free), moments.origin)
    terms = fitted(molecule, points, values, own, DIPOLES)
    np.testing.assert_allclose(terms.charges, free.charges, atol=1e-7)
    np.testing.assert_allclose(terms.dipoles, free.dipoles, atol=1e-7)


def test_moments_that_atoms_cannot_have_are_met_as_nearly_as_they_can():
    # On a line, charges have the dipole's and the quadrupole's share of that line alone.
    positions = np.array([[0.0, 0.0, z] for z in (-3.0, -1.0, 0.5, 2.0, 4.0)])
    molecule = Molecule("a", np.full(5, 6, np.uint8), positions)
    origin = centre_of_nuclear_charge(molecule.atomic_numbers, positions)
    moments = Moments(np.array([0.5, 0.0, 0.7]), np.diag([-1.0, -1.0, 2.0]), origin)
    points = np.random.default_rng(1).normal(size=(50, 3)) + np.array([9.0, 0.0, 0.0])
    terms = fitted(molecule, points, np.zeros(50), moments, CHARGES)
    dipole, quadrupole = molecular_multipoles(molecule, terms)
    np.testing.assert_allclose(dipole, [0.0, 0.0, 0.7], atol=1e-10)
    np.testing.assert_allclose(quadrupole, moments.quadrupole, atol=1e-10)


@pytest.mark.parametrize("order", ORDERS)
def test_the_frame_does_not_matter(order):
    molecule, points, values, moments = made_up(12)
    turn = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))[0]
    turned = Molecule("a", molecule.atomic_numbers, molecule.positions @ turn.T, 1)
    of_turned = Moments(
        turn @ moments.dipole, turn @ moments.quadrupole @ turn.T, turn @ moments.origin
    )
    one = fitted(molecule, points, values, moments, order)
    other = fitted(turned, points @ turn.T, values, of_turned, order)
    np.testing.assert_allclose(other.charges, one.charges, atol=1e-8)


def test_an_atom_alone_has_its_charge():
    molecule = Molecule("a", np.array([8], np.uint8), np.zeros((1, 3)), 1)
    moments = Moments(np.zeros(3), np.zeros((3, 3)), np.zeros(3))
    points = np.random.default_rng(1).normal(size=(20, 3)) + 5.0
    terms = fitted(molecule, points, np.ones(20), moments, CHARGES)
    np.testing.assert_allclose(terms.charges, [1.0])

"""Multipole conventions against sums written out by hand."""

import numpy as np
import pytest
import torch

from mepflow import multipoles
from mepflow.units import ANGSTROM_IN_BOHR

# A bent molecule like water, O at the origin, in the xz plane.
BOND = 0.9572 * ANGSTROM_IN_BOHR
HALF_ANGLE = np.radians(104.52 / 2)
X, Z = BOND * np.sin(HALF_ANGLE), BOND * np.cos(HALF_ANGLE)
POSITIONS = np.array([[0.0, 0.0, 0.0], [X, 0.0, Z], [-X, 0.0, Z]])
CHARGE = 0.4
CHARGES = np.array([-2 * CHARGE, CHARGE, CHARGE])


@pytest.fixture
def cloud():
    rng = np.random.default_rng(5)
    return rng.normal(size=6), rng.normal(size=(6, 3)), rng.normal(size=(6, 3))


def total(terms):
    return terms.sum(axis=0)


def moments(charges, positions, dipoles=None):
    return (
        total(multipoles.dipole_terms(charges, positions, dipoles)),
        total(multipoles.quadrupole_terms(charges, positions, dipoles)),
    )


def test_bent_molecule_by_hand():
    dipole, quadrupole = moments(CHARGES, POSITIONS)
    np.testing.assert_allclose(dipole, [0.0, 0.0, 2 * CHARGE * Z], atol=1e-15)
    square = X**2 + Z**2
    diagonal = 2 * CHARGE * np.array([3 * X**2 - square, -square, 3 * Z**2 - square])
    np.testing.assert_allclose(quadrupole, np.diag(diagonal), atol=1e-14)


def test_a_linear_quadrupole_has_the_sign_of_its_ends():
    """+q at ±a on z and −2q at 0 (like CO2 with the signs turned): Θ′zz = 4 q a²."""
    positions = np.array([[0, 0, 0], [0, 0, 2.0], [0, 0, -2.0]])
    _, quadrupole = moments(np.array([-1.0, 0.5, 0.5]), positions)
    np.testing.assert_allclose(quadrupole, np.diag([-4.0, -4.0, 8.0]), atol=1e-14)


def test_atomic_dipoles_are_the_limit_of_charge_pairs(cloud):
    """A dipole is two charges ±μ/s a distance s apart; the error is of second order in s."""
    _, positions, dipoles = cloud
    separation = 1e-3
    pairs = np.concatenate([positions + separation / 2 * d for d in (dipoles, -dipoles)])
    charges = np.concatenate([np.full(6, 1 / separation), np.full(6, -1 / separation)])
    expected = moments(charges, pairs)
    found = moments(np.zeros(6), positions, dipoles)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-10 * np.abs(charges).max())


def test_atomic_quadrupoles_are_those_of_charges_about_the_atoms(cloud):
    """Charges λ/6 at a distance of 1 on both sides along each axis: Θ′ has the eigenvalues λ."""
    _, positions, _ = cloud
    five = np.random.default_rng(4).normal(size=(6, 5))
    quadrupoles = multipoles.traceless_matrices(five)
    np.testing.assert_array_equal(multipoles.traceless_components(quadrupoles), five)
    np.testing.assert_allclose(np.trace(quadrupoles, axis1=1, axis2=2), 0.0, atol=1e-15)
    np.testing.assert_array_equal(quadrupoles, quadrupoles.swapaxes(1, 2))
    charges, places = [], []
    for centre, matrix in zip(positions, quadrupoles, strict=True):
        values, axes = np.linalg.eigh(matrix)
        for value, axis in zip(values, axes.T, strict=True):
            charges += [value / 6, value / 6]
            places += [centre + axis, centre - axis]
    expected = moments(np.array(charges), np.array(places))
    terms = multipoles.quadrupole_terms(np.zeros(6), positions, None, quadrupoles)
    np.testing.assert_allclose(terms.sum(axis=0), expected[1], atol=1e-13)
    np.testing.assert_allclose(expected[0], 0.0, atol=1e-13)


def test_the_quadrupole_is_symmetric_and_traceless(cloud):
    terms = multipoles.quadrupole_terms(*cloud)
    np.testing.assert_allclose(terms, terms.swapaxes(1, 2), atol=1e-14)
    np.testing.assert_allclose(np.trace(terms, axis1=1, axis2=2), 0.0, atol=1e-13)


def test_six_components(cloud):
    quadrupole = moments(*cloud)[1]
    found = dict(
        zip(
            multipoles.QUADRUPOLE_COMPONENTS,
            multipoles.components(quadrupole),
            strict=True,
        )
    )
    axis = "xyz".index
    for name, value in found.items():
        assert value == quadrupole[axis(name[0]), axis(name[1])]
    assert multipoles.components(np.zeros((4, 2, 3, 3))).shape == (4, 2, 6)


def test_converters_agree_with_each_other_and_with_their_definitions(cloud):
    charges, positions, _ = cloud
    expected = moments(charges, positions)[1]
    raw = np.einsum("i,ia,ib->ab", charges, positions, positions)
    buckingham = 0.5 * (3 * raw - np.trace(raw) * np.eye(3))
    gaussian = raw - np.trace(raw) / 3 * np.eye(3)
    for found in (
        multipoles.from_second_moment(raw),
        multipoles.from_buckingham(buckingham),
        multipoles.from_gaussian(gaussian),
    ):
        np.testing.assert_allclose(found, expected, atol=1e-13)


def test_converters_take_stacks(cloud):
    raw = np.random.default_rng(1).normal(size=(5, 3, 3))
    raw = raw + raw.swapaxes(1, 2)
    stacked = multipoles.from_second_moment(raw)
    for one, moment in zip(stacked, raw, strict=True):
        np.testing.assert_allclose(one, multipoles.from_second_moment(moment), atol=1e-14)


@pytest.mark.parametrize("with_dipoles", [False, True])
@pytest.mark.parametrize("neutral", [False, True])
def test_shift_of_the_origin_is_a_sum_about_the_new_one(cloud, with_dipoles, neutral):
    charges, positions, dipoles = cloud
    if neutral:
        charges = charges - charges.mean()
    dipoles = dipoles if with_dipoles else None
    shift = np.array([0.3, -1.7, 2.2])
    dipole, quadrupole = moments(charges, positions, dipoles)
    found = multipoles.shift_origin(quadrupole, dipole, charges.sum(), shift)
    expected = moments(charges, positions - shift, dipoles)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)
    assert np.allclose(found[0], dipole) == neutral
    assert not np.allclose(found[1], quadrupole)


def test_moments_turn_with_the_molecule(cloud):
    charges, positions, dipoles = cloud
    rotation, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))
    dipole, quadrupole = moments(charges, positions, dipoles)
    turned = moments(charges, positions @ rotation.T, dipoles @ rotation.T)
    np.testing.assert_allclose(turned[0], rotation @ dipole, atol=1e-13)
    np.testing.assert_allclose(turned[1], rotation @ quadrupole @ rotation.T, atol=1e-12)


def test_centre_of_nuclear_charge():
    centre = multipoles.centre_of_nuclear_charge([8, 1, 1], POSITIONS)
    np.testing.assert_allclose(centre, [0.0, 0.0, 2 * Z / 10], atol=1e-15)
    moved = multipoles.centre_of_nuclear_charge(np.array([8, 1, 1], np.uint8), POSITIONS + 5.0)
    np.testing.assert_allclose(moved, centre + 5.0, atol=1e-14)


@pytest.mark.parametrize("with_dipoles", [False, True])
def test_torch_gives_the_same_as_numpy(cloud, with_dipoles):
    arrays = cloud if with_dipoles else cloud[:2]
    tensors = [torch.from_numpy(array) for array in arrays]
    for function in (multipoles.dipole_terms, multipoles.quadrupole_terms):
        found = function(*tensors)
        assert isinstance(found, torch.Tensor)
        np.testing.assert_allclose(found.numpy(), function(*arrays), atol=1e-15)
    found = multipoles.components(multipoles.quadrupole_terms(*tensors))
    expected = multipoles.components(multipoles.quadrupole_terms(*arrays))
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-15)


def test_torch_keeps_single_precision_and_gradients(cloud):
    charges, positions, dipoles = (torch.tensor(array, dtype=torch.float32) for array in cloud)
    charges.requires_grad_()
    quadrupole = multipoles.quadrupole_terms(charges, positions, dipoles)
    assert quadrupole.dtype == torch.float32
    quadrupole[:, 0, 0].sum().backward()
    expected = 3 * positions[:, 0] ** 2 - (positions**2).sum(1)
    torch.testing.assert_close(charges.grad, expected)

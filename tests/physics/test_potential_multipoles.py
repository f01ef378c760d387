"""The potential of atomic multipoles against electrostatics that does not use its formula."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mepflow.electrostatics.potential import potential
from mepflow.multipoles import dipole_terms, quadrupole_terms

RNG = np.random.default_rng(20)


def coulomb(points, positions, charges):
    """Σ q / |r − r_i|, one point and one charge at a time."""
    return np.array(
        [
            sum(q / np.linalg.norm(r - s) for q, s in zip(charges, positions, strict=True))
            for r in points
        ]
    )


def sphere(n, radius, rng=RNG):
    directions = rng.normal(size=(n, 3))
    return radius * directions / np.linalg.norm(directions, axis=1, keepdims=True)


@pytest.fixture
def atoms():
    """Seven atoms with charges that do not add up to zero, dipoles and traceless quadrupoles."""
    rng = np.random.default_rng(7)
    positions = rng.uniform(-2.0, 2.0, (7, 3))
    quadrupoles = rng.normal(size=(7, 3, 3))
    quadrupoles += np.swapaxes(quadrupoles, 1, 2)
    quadrupoles -= np.trace(quadrupoles, axis1=1, axis2=2)[:, None, None] * np.eye(3) / 3.0
    return positions, rng.normal(size=7), rng.normal(size=(7, 3)), quadrupoles


def test_charges_are_coulombs_law(atoms):
    positions, charges, _, _ = atoms
    points = sphere(20, 6.0)
    expected = coulomb(points, positions, charges)
    np.testing.assert_allclose(potential(points, positions, charges), expected, rtol=1e-13)


def test_point_dipole_is_the_limit_of_two_charges():
    """Two charges ±μ/s at ±s/2 differ from the point dipole by O(s²), with the right sign."""
    centre, dipole = np.array([0.3, -0.2, 0.5]), np.array([0.4, 1.1, -0.7])
    points = centre + sphere(30, 3.0)
    direction, size = dipole / np.linalg.norm(dipole), np.linalg.norm(dipole)
    point_dipole = potential(points, centre[None], np.zeros(1), dipole[None])
    errors = []
    for separation in (0.2, 0.1, 0.05):
        positions = centre + 0.5 * separation * np.array([direction, -direction])
        charges = np.array([size, -size]) / separation
        errors.append(np.abs(coulomb(points, positions, charges) - point_dipole).max())
    assert errors[-1] < 1e-4 * np.abs(point_dipole).max()
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 4.0, rtol=0.01)


# Arrangements of charges at units of a small length, with neither a charge nor a dipole.
LINEAR = (np.array([[0, 0, 1], [0, 0, -1], [0, 0, 0]]), np.array([1.0, 1.0, -2.0]))
SQUARE = (
    np.array([[1, 1, 0], [-1, -1, 0], [1, -1, 0], [-1, 1, 0]]),
    np.array([1.0, 1.0, -1.0, -1.0]),
)
SKEW = (
    np.array([[1, 2, 0.5], [-1, -2, -0.5], [0.3, -0.4, 1], [-0.3, 0.4, -1], [0, 0, 0]]),
    np.array([1.0, 1.0, -0.7, -0.7, -0.6]),
)


@pytest.mark.parametrize("arrangement", [LINEAR, SQUARE, SKEW])
def test_point_quadrupole_is_the_limit_of_charges(arrangement):
    """Θ′ of :func:`quadrupole_terms` at one point gives the potential of the charges it is of."""
    shape, signs = arrangement
    centre = np.array([-0.6, 0.1, 0.2])
    points = centre + sphere(30, 4.0)
    errors = []
    for length in (0.1, 0.05, 0.025):
        charges = signs / length**2
        quadrupole = quadrupole_terms(charges, length * shape).sum(axis=0)
        point_quadrupole = potential(
            points, centre[None], np.zeros(1), quadrupoles=quadrupole[None]
        )
        exact = coulomb(points, centre + length * shape, charges)
        errors.append(np.abs(exact - point_quadrupole).max())
    assert errors[-1] < 2e-3 * np.abs(point_quadrupole).max()
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 4.0, rtol=0.02)


def test_linear_quadrupole_on_its_axis_has_the_textbook_value():
    """Charges q, −2q, q at distance a on the axis: V = 2 q a² / z³ on it, −q a² / z³ beside it."""
    q, a, z = 0.8, 0.3, 10.0
    quadrupole = quadrupole_terms(q * LINEAR[1], a * LINEAR[0]).sum(axis=0)
    points = np.array([[0, 0, z], [z, 0, 0]])
    value = potential(points, np.zeros((1, 3)), np.zeros(1), quadrupoles=quadrupole[None])
    np.testing.assert_allclose(value, q * a**2 / z**3 * np.array([2.0, -1.0]), rtol=1e-13)


def test_far_field_is_that_of_the_molecular_multipoles(atoms):
    """Charges and dipoles of the atoms against Q, μ and Θ′ of the whole at one point: O(R⁻⁴)."""
    positions, charges, dipoles, _ = atoms
    total = np.array([charges.sum()])
    dipole = dipole_terms(charges, positions, dipoles).sum(axis=0)
    quadrupole = quadrupole_terms(charges, positions, dipoles).sum(axis=0)
    directions = sphere(25, 1.0)
    errors = []
    for radius in (100.0, 200.0, 400.0):
        points = radius * directions
        near = potential(points, positions, charges, dipoles)
        far = potential(points, np.zeros((1, 3)), total, dipole[None], quadrupole[None])
        errors.append(np.abs(near - far).max())
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 16.0, rtol=0.1)


@pytest.mark.parametrize("kind", ["charges", "dipoles", "quadrupoles"])
def test_laplaces_equation_holds_between_the_atoms(atoms, kind):
    positions, charges, dipoles, quadrupoles = atoms
    terms = {
        "charges": (charges, None, None),
        "dipoles": (0.0 * charges, dipoles, None),
        "quadrupoles": (0.0 * charges, None, quadrupoles),
    }[kind]
    points, step = sphere(10, 5.0), 0.02
    curvatures = []
    for axis in step * np.eye(3):
        # Fourth-order second difference: the error is far below one term of the sum.
        samples = [potential(points + k * axis, positions, *terms) for k in (-2, -1, 0, 1, 2)]
        curvatures.append(np.tensordot([-1, 16, -30, 16, -1], samples, axes=1) / (12 * step**2))
    laplacian = np.sum(curvatures, axis=0)
    assert np.abs(laplacian).max() < 1e-6 * np.abs(curvatures).max()


@pytest.mark.parametrize("reflection", [1.0, -1.0])
def test_potential_goes_with_the_molecule(atoms, reflection):
    """A rotation, proper or not, and a shift of points and atoms together change nothing."""
    positions, charges, dipoles, quadrupoles = atoms
    points = sphere(15, 5.0)
    matrix = reflection * Rotation.random(rng=np.random.default_rng(3)).as_matrix()
    shift = np.array([3.0, -1.0, 0.5])
    moved = potential(
        points @ matrix.T + shift,
        positions @ matrix.T + shift,
        charges,
        dipoles @ matrix.T,
        matrix @ quadrupoles @ matrix.T,
    )
    np.testing.assert_allclose(
        moved, potential(points, positions, charges, dipoles, quadrupoles), rtol=1e-11
    )


def test_dipoles_are_the_derivative_of_charges(atoms):
    """Moving a charge q by δ changes the potential by that of a dipole q δ, to first order."""
    positions, charges, _, _ = atoms
    points, step = sphere(12, 6.0), 1e-4 * RNG.normal(size=positions.shape)
    change = (
        potential(points, positions + step, charges) - potential(points, positions - step, charges)
    ) / 2.0
    dipole = potential(points, positions, 0.0 * charges, charges[:, None] * step)
    np.testing.assert_allclose(change, dipole, rtol=1e-5, atol=1e-12)


def test_quadrupoles_are_the_derivative_of_dipoles(atoms):
    """Moving dipoles μ by δ equals Θ′ = 3(δμᵀ + μδᵀ) − 2(δ·μ)1 at the old place: the factor ½."""
    positions, charges, dipoles, _ = atoms
    none = 0.0 * charges
    points, step = sphere(12, 6.0), 1e-4 * RNG.normal(size=positions.shape)
    change = (
        potential(points, positions + step, none, dipoles)
        - potential(points, positions - step, none, dipoles)
    ) / 2.0
    mixed = step[:, :, None] * dipoles[:, None, :]
    quadrupoles = 3.0 * (mixed + np.swapaxes(mixed, 1, 2))
    quadrupoles -= 2.0 * np.sum(step * dipoles, axis=1)[:, None, None] * np.eye(3)
    expected = potential(points, positions, none, quadrupoles=quadrupoles)
    np.testing.assert_allclose(change, expected, rtol=1e-5, atol=1e-12)


def surface_charge(centre, charge, dipole, quadrupole, radius, points):
    """∫ σ/|r − s| over the sphere that carries the multipoles, by quadrature over its surface."""
    cosines, weights = np.polynomial.legendre.leggauss(60)
    angles = np.arange(120) * 2.0 * np.pi / 120
    sines = np.sqrt(1.0 - cosines**2)
    around = (np.cos(angles), np.sin(angles), np.ones_like(angles))
    across = (sines, sines, cosines)
    parts = [np.outer(one, other) for one, other in zip(across, around, strict=True)]
    normals = np.stack(parts, axis=-1).reshape(-1, 3)
    areas = np.repeat(weights, 120) / 120 / 2.0
    # The density of a potential of order l that is continuous on the sphere is (2l + 1) V / 4πR.
    sigma = charge + 3.0 * (normals @ dipole) / radius
    sigma = sigma + 2.5 * np.einsum("pa,ab,pb->p", normals, quadrupole, normals) / radius**2
    return coulomb(points, centre + radius * normals, sigma * areas)


@pytest.mark.parametrize("distance", [0.0, 0.4, 0.8, 1.7, 4.0])
def test_multipoles_on_a_sphere(atoms, distance):
    """Inside and outside a sphere of radius 1.2 the potential is that of its surface charge."""
    positions, charges, dipoles, quadrupoles = (values[0] for values in atoms)
    points = positions + sphere(8, distance)
    arguments = (positions[None], charges[None], dipoles[None], quadrupoles[None])
    found = potential(points, *arguments, radii=np.array([1.2]))
    expected = surface_charge(positions, charges, dipoles, quadrupoles, 1.2, points)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    if distance > 1.2:
        np.testing.assert_array_equal(found, potential(points, *arguments))

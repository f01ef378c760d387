"""Sums of Gaussians in closed form, against libcint's integrals and PySCF's values on points."""

import math

import numpy as np
import pytest
import torch
from pyscf import gto
from scipy import integrate

from mepflow.densities.auxiliary_basis import AuxiliaryBasis, Shell
from mepflow.densities.boys_function import boys
from mepflow.densities.density_functions import (
    density,
    density_matrix,
    electronic_potential,
    molecular_potential,
    potential_matrix,
)
from mepflow.densities.density_moments import function_moments, molecular_moments
from mepflow.densities.pyscf_basis import auxiliary_basis, fitting_molecule
from mepflow.densities.solid_harmonics import solid_harmonics
from mepflow.electrostatics.potential import potential
from mepflow.errors import InputError
from mepflow.multipoles import centre_of_nuclear_charge
from mepflow.qm.density_coefficients import coefficients_moments

NUMBERS = np.array([8, 1, 6, 1, 16])
BASES = ("def2-universal-jfit", "def2-universal-jkfit", "aug-cc-pvqz-jkfit")
"""Up to l = 4 and 5, with and without contractions."""


def positions() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(5, 3)) * 2.0


def points() -> np.ndarray:
    """Far, within the molecule, next to the nuclei and on them."""
    generator, atoms = np.random.default_rng(2), positions()
    near = atoms + 1e-4 * generator.normal(size=(5, 3))
    within, far = 3.0 * generator.normal(size=(40, 3)), 50.0 * generator.normal(size=(5, 3))
    return np.concatenate([within, far, near, atoms])


@pytest.mark.parametrize("order", range(7))
def test_boys_function_is_its_integral(order: int) -> None:
    arguments = np.array([0.0, 1e-6, 0.05, 0.0999, 0.1001, 1.0, 7.0, 40.0])
    expected = [
        integrate.quad(lambda u, t=t: u ** (2 * order) * math.exp(-t * u * u), 0.0, 1.0,
                       epsabs=1e-15, epsrel=1e-13)[0]
        for t in arguments
    ]  # fmt: skip
    np.testing.assert_allclose(boys(order, arguments), expected, rtol=1e-12)
    np.testing.assert_allclose(boys(order, torch.tensor(arguments)), expected, rtol=1e-12)


def test_boys_function_can_be_differentiated_twice() -> None:
    arguments = torch.tensor([0.0, 0.03, 0.2, 5.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: boys(2, t + 0.01), (arguments,))
    assert torch.autograd.gradgradcheck(lambda t: boys(2, t + 0.01), (arguments,))


def test_harmonics_are_orthonormal_and_turn_into_themselves() -> None:
    # Gauss-Legendre in cos θ and equal steps in φ integrate products of l ≤ 5 exactly.
    nodes, weights = np.polynomial.legendre.leggauss(8)
    angles = 2.0 * np.pi * np.arange(16) / 16
    z, phi = (a.ravel() for a in np.meshgrid(nodes, angles, indexing="ij"))
    ring = np.sqrt(1.0 - z * z)
    sphere = np.stack([ring * np.cos(phi), ring * np.sin(phi), z], axis=1)
    values = np.concatenate(solid_harmonics(sphere, 5), axis=1)
    weight = np.repeat(weights, 16) * 2.0 * np.pi / 16
    np.testing.assert_allclose((values.T * weight) @ values, np.eye(36), atol=1e-13)


@pytest.mark.parametrize("name", BASES)
def test_values_and_potentials_are_those_of_pyscf(name: str) -> None:
    basis = auxiliary_basis(name, NUMBERS)
    mol = fitting_molecule(name, NUMBERS, positions())
    values = density_matrix(basis, NUMBERS, positions(), points())
    np.testing.assert_allclose(values, mol.eval_gto("GTOval_sph", points()), atol=1e-12)
    found = potential_matrix(basis, NUMBERS, positions(), points())
    # A charge distribution of nearly no width stands for each point.
    expected = gto.intor_cross("int2c2e", mol, gto.fakemol_for_charges(points())).T
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_moments_are_those_of_libcint() -> None:
    basis = auxiliary_basis(BASES[1], NUMBERS)
    mol = fitting_molecule(BASES[1], NUMBERS, positions())
    coefficients = np.random.default_rng(3).normal(size=mol.nao)
    number, first, second = coefficients_moments(mol, coefficients, np.zeros(3))
    found = function_moments(basis, NUMBERS, positions())
    # libcint's are of products with a very flat function.
    assert found.number @ coefficients == pytest.approx(number, abs=1e-7)
    np.testing.assert_allclose(found.first @ coefficients, first, atol=1e-6)
    np.testing.assert_allclose(found.second @ coefficients, second, atol=1e-5)


def test_far_potential_is_that_of_the_moments() -> None:
    basis = auxiliary_basis(BASES[0], NUMBERS)
    size = len(function_moments(basis, NUMBERS, positions()).number)
    coefficients = np.random.default_rng(4).normal(size=size)
    electrons, dipole, quadrupole = molecular_moments(basis, NUMBERS, positions(), coefficients)
    origin = centre_of_nuclear_charge(NUMBERS, positions())
    direction = np.array([0.48, -0.6, 0.64])
    errors = []
    for distance in (200.0, 400.0):
        at = (origin + distance * direction)[None]
        charge = np.array([NUMBERS.sum() - electrons])
        point = potential(at, origin[None], charge, dipole[None], quadrupole[None])
        exact = molecular_potential(basis, NUMBERS, positions(), coefficients, at)
        errors.append(abs(exact - point)[0])
    # What is left is the octupole's, which falls as the fourth power.
    assert errors[0] / errors[1] == pytest.approx(16.0, rel=0.05)


def test_tensors_blocks_and_gradients_agree_with_arrays() -> None:
    basis = auxiliary_basis(BASES[0], NUMBERS)
    size = len(function_moments(basis, NUMBERS, positions()).number)
    coefficients = np.random.default_rng(5).normal(size=size)
    for function in (density, electronic_potential):
        whole = function(basis, NUMBERS, positions(), coefficients, points())
        small = function(basis, NUMBERS, positions(), coefficients, points(), block_bytes=20_000)
        np.testing.assert_allclose(small, whole, rtol=1e-12, atol=1e-12)
        at = torch.tensor(points(), requires_grad=True)
        tensors = (torch.tensor(positions()), torch.tensor(coefficients))
        values = function(basis, NUMBERS, *tensors, at)
        np.testing.assert_allclose(values.detach().numpy(), whole, rtol=1e-11, atol=1e-11)
        (slope,) = torch.autograd.grad(values.sum(), at)
        step = np.array([0.0, 1e-4, 0.0])
        rows = slice(0, 40)
        ends = [
            function(basis, NUMBERS, positions(), coefficients, points()[rows] + sign * step)
            for sign in (1.0, -1.0)
        ]
        numeric = (ends[0] - ends[1]) / 2e-4
        np.testing.assert_allclose(slope.numpy()[rows, 1], numeric, rtol=1e-4, atol=1e-4)


def test_no_points_give_no_values() -> None:
    basis = AuxiliaryBasis("one", {1: (Shell(0, (1.0,), (1.0,)),)})
    found = density(basis, np.array([1]), np.zeros((1, 3)), np.ones(1), np.empty((0, 3)))
    assert found.shape == (0,)


def test_an_element_without_functions_is_named() -> None:
    basis = AuxiliaryBasis("one", {1: (Shell(0, (1.0,), (1.0,)),)})
    with pytest.raises(InputError, match="no functions for O"):
        density(basis, np.array([8]), np.zeros((1, 3)), np.ones(1), np.zeros((1, 3)))


def test_a_basis_survives_as_a_row() -> None:
    basis = auxiliary_basis(BASES[1], [1, 8])
    assert AuxiliaryBasis.from_row(basis.to_row()) == basis

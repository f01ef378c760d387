r"""Electron number, dipole and Θ′ of a density that is a sum of Gaussians, in closed form.

With G = (π/a)^{3/2}, a primitive holds

.. math::
    \int Y_{00} e^{-a r^2} = \frac{G}{\sqrt{4 \pi}}, \quad
    \int r_i \, r Y_{1i} e^{-a r^2} = \sqrt{\frac{3}{4 \pi}} \frac{G}{2a}, \quad
    \int r_i r_j \, r^2 Y_{2m} e^{-a r^2} = \frac{G}{2 a^2} C^m_{ij}, \quad
    \int r_i r_j Y_{00} e^{-a r^2} = \frac{G}{\sqrt{4 \pi}} \frac{\delta_{ij}}{2a}

about its atom, where :math:`r^2 Y_{2m} = \sum_{ij} C^m_{ij} r_i r_j`. All others hold none.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mepflow.densities.auxiliary_basis import AuxiliaryBasis, FunctionTable, function_table
from mepflow.densities.solid_harmonics import solid_harmonics
from mepflow.multipoles import centre_of_nuclear_charge, from_second_moment

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class FunctionMoments(NamedTuple):
    """Of P functions: ∫χ (P,), ∫χ r (3, P), ∫χ r rᵀ (3, 3, P), r from an origin in bohr."""

    number: FloatArray
    first: FloatArray
    second: FloatArray


def function_moments(
    basis: AuxiliaryBasis, numbers: IntArray, positions: FloatArray
) -> FunctionMoments:
    """Return the moments of all functions of atoms at ``positions`` (n, 3) from the origin.

    Raises :class:`~mepflow.errors.InputError` for an element without functions.
    """
    table = function_table(basis, numbers)
    number, spread = _radial_moments(basis, numbers, table)
    own_first = np.zeros((3, len(table)))
    own_second = np.zeros((3, 3, len(table)))
    own_second[:, :, table.degrees == 0] = np.eye(3)[:, :, None] * spread[table.degrees == 0]
    forms = _quadratic_forms()
    for column in np.flatnonzero(table.degrees == 1):
        own_first[{1: 0, -1: 1, 0: 2}[int(table.orders[column])], column] = spread[column]
    for column in np.flatnonzero(table.degrees == 2):
        own_second[:, :, column] = forms[table.orders[column] + 2] * spread[column]
    at = positions[table.atoms].T  # (3, P)
    mixed = at[:, None, :] * own_first[None, :, :]
    second = own_second + mixed + mixed.transpose(1, 0, 2) + at[:, None] * at[None] * number
    return FunctionMoments(number, own_first + at * number, second)


def molecular_moments(
    basis: AuxiliaryBasis, numbers: IntArray, positions: FloatArray, coefficients: FloatArray
) -> tuple[float, FloatArray, FloatArray]:
    """Return electrons, dipole (3,) in e·bohr and Θ′ (3, 3) in e·bohr² of nuclei and density.

    About the centre of nuclear charge. ``coefficients`` (P,), ``positions`` (n, 3) in bohr.
    """
    centred = positions - centre_of_nuclear_charge(numbers, positions)
    moments = function_moments(basis, numbers, centred)
    nuclei = np.asarray(numbers, dtype=float)
    dipole = nuclei @ centred - moments.first @ coefficients
    second = np.einsum("n,ni,nj->ij", nuclei, centred, centred) - moments.second @ coefficients
    return float(moments.number @ coefficients), dipole, from_second_moment(second)


def _radial_moments(
    basis: AuxiliaryBasis, numbers: IntArray, table: FunctionTable
) -> tuple[FloatArray, FloatArray]:
    """Return ∫χ (P,), and the lowest moment of each function of l ≤ 2, as in the module."""
    number, spread = np.zeros(len(table)), np.zeros(len(table))
    for column in np.flatnonzero(table.degrees <= 2):
        element = int(numbers[table.atoms[column]])
        degree, place = int(table.degrees[column]), int(table.places[column])
        shell = [one for one in basis.shells[element] if one.degree == degree][place]
        a, w = np.array(shell.exponents), np.array(shell.weights)
        gauss = w * (np.pi / a) ** 1.5
        if degree == 0:
            number[column] = gauss.sum() / math.sqrt(4.0 * math.pi)
            spread[column] = (gauss / (2.0 * a)).sum() / math.sqrt(4.0 * math.pi)
        elif degree == 1:
            spread[column] = math.sqrt(0.75 / math.pi) * (gauss / (2.0 * a)).sum()
        else:
            spread[column] = (gauss / (2.0 * a * a)).sum()
    return number, spread


def _quadratic_forms() -> FloatArray:
    """Return C (5, 3, 3) of the harmonics of l = 2, from their values at sums of unit vectors."""
    axes = np.eye(3)

    def values(vectors: Any) -> FloatArray:
        return np.asarray(solid_harmonics(np.asarray(vectors, dtype=float), 2)[2])

    single = values(axes)
    pairs = values(axes[:, None] + axes[None, :])
    return np.asarray((pairs - single[:, None] - single[None, :]).transpose(2, 0, 1) / 2.0)

r"""A density that is a sum of Gaussians, and its potential, on points: without an integral program.

For a primitive :math:`r^l Y_{lm} e^{-a r^2}` the potential is

.. math:: \int \frac{\chi(r')}{|r - r'|} dr' = \frac{2 \pi}{a} F_l(a r^2) \, r^l Y_{lm}(r)

with Boys functions F (:mod:`mepflow.densities.boys_function`): Laplace's expansion of 1/|r − r′|
with the radial integrals done. It is finite everywhere. Functions take NumPy arrays or torch
tensors, work points off in blocks, and return the same kind; torch's can be differentiated with
respect to points, positions and coefficients.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from array_api_compat import array_namespace, is_numpy_array

from mepflow.densities.auxiliary_basis import AuxiliaryBasis, function_table
from mepflow.densities.boys_function import boys
from mepflow.densities.solid_harmonics import solid_harmonics

Array = Any
IntArray = npt.NDArray[np.int64]
Radial = Callable[[int, Array, Array], Array]
"""From l, exponents (k,) and squared distances (..., 1) to radial factors (..., k)."""

DEFAULT_BLOCK_BYTES: Final = 2**25


def density(
    basis: AuxiliaryBasis,
    numbers: IntArray,
    positions: Array,
    coefficients: Array,
    points: Array,
    block_bytes: int = DEFAULT_BLOCK_BYTES,
) -> Array:
    """Return the density (p,) in e/bohr³ at ``points`` (p, 3) in bohr.

    ``numbers`` (n,) atomic numbers, ``positions`` (n, 3) in bohr, ``coefficients`` (P,); those of
    several densities (P, k) give (p, k). Raises :class:`~mepflow.errors.InputError` for an element
    without functions.
    """
    return _summed(_gaussian, basis, numbers, positions, coefficients, points, block_bytes)


def electronic_potential(
    basis: AuxiliaryBasis,
    numbers: IntArray,
    positions: Array,
    coefficients: Array,
    points: Array,
    block_bytes: int = DEFAULT_BLOCK_BYTES,
) -> Array:
    """Return ∫ρ(r′)/|r − r′| (p,) in hartree/e; arguments as for :func:`density`."""
    return _summed(_coulomb, basis, numbers, positions, coefficients, points, block_bytes)


def molecular_potential(
    basis: AuxiliaryBasis,
    numbers: IntArray,
    positions: Array,
    coefficients: Array,
    points: Array,
) -> Array:
    """Return the MEP (p,) of nuclei and density in hartree/e; arguments as for :func:`density`."""
    xp = array_namespace(points)
    distances = xp.linalg.vector_norm(points[:, None, :] - positions[None, :, :], axis=-1)
    charges = xp.asarray(np.asarray(numbers, dtype=float), dtype=points.dtype)
    nuclear = xp.sum(charges / distances, axis=1)
    if coefficients.ndim > 1:
        nuclear = nuclear[:, None]
    return nuclear - electronic_potential(basis, numbers, positions, coefficients, points)


def density_matrix(
    basis: AuxiliaryBasis, numbers: IntArray, positions: Array, points: Array
) -> Array:
    """Return every function's value (p, P); arguments as for :func:`density`."""
    return _values(_gaussian, basis, numbers, positions, points)


def potential_matrix(
    basis: AuxiliaryBasis, numbers: IntArray, positions: Array, points: Array
) -> Array:
    """Return every function's potential (p, P) in hartree/e; arguments as for :func:`density`."""
    return _values(_coulomb, basis, numbers, positions, points)


def _summed(
    radial: Radial,
    basis: AuxiliaryBasis,
    numbers: IntArray,
    positions: Array,
    coefficients: Array,
    points: Array,
    block_bytes: int,
) -> Array:
    xp = array_namespace(points)
    size = max(1, block_bytes // (8 * len(coefficients)))
    found = [
        _values(radial, basis, numbers, positions, points[rows, :]) @ coefficients
        for rows in _blocks(points.shape[0], size)
    ]
    return xp.concat(found) if found else xp.zeros_like(points[:, 0])


def _blocks(total: int, size: int) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, total, size))


def _values(
    radial: Radial, basis: AuxiliaryBasis, numbers: IntArray, positions: Array, points: Array
) -> Array:
    """Return the values (p, P) of functions whose radial factors are ``radial``'s."""
    xp = array_namespace(points)
    table = function_table(basis, numbers)
    columns: list[Any] = []
    order: list[IntArray] = []
    for number in np.unique(numbers):
        atoms = np.flatnonzero(numbers == number)
        vectors = points[:, None, :] - positions[None, atoms, :]
        square = xp.sum(vectors * vectors, axis=-1)[:, :, None]
        harmonics = solid_harmonics(vectors, max(s.degree for s in basis.shells[int(number)]))
        for degree, harmonic in enumerate(harmonics):
            exponents, weights = _contraction(basis, int(number), degree, points)
            if exponents is None:
                continue
            factors = radial(degree, exponents, square) @ weights
            values = factors[:, :, :, None] * harmonic[:, :, None, :]  # (p, atoms, shells, m)
            columns.append(xp.reshape(values, (points.shape[0], -1)))
            order.append(_places(table, atoms, degree))
    place = np.argsort(np.concatenate(order), kind="stable")
    return xp.concat(columns, axis=1)[:, place]


def _places(table: Any, atoms: IntArray, degree: int) -> IntArray:
    """Return where functions of one l stand in the molecule, by atom, shell and m."""
    chosen = np.flatnonzero(np.isin(table.atoms, atoms) & (table.degrees == degree))
    keys = (table.orders[chosen], table.places[chosen], table.atoms[chosen])
    return np.asarray(chosen[np.lexsort(keys)])


def _contraction(
    basis: AuxiliaryBasis, number: int, degree: int, like: Array
) -> tuple[Array | None, Array]:
    """Return exponents (k,) and weights (k, s) of an element's shells of one l, None if none."""
    shells = [shell for shell in basis.shells[number] if shell.degree == degree]
    if not shells:
        return None, None
    exponents = np.concatenate([shell.exponents for shell in shells])
    weights = np.zeros((len(exponents), len(shells)))
    start = 0
    for column, shell in enumerate(shells):
        weights[start : start + len(shell.exponents), column] = shell.weights
        start += len(shell.exponents)
    if is_numpy_array(like):
        return exponents.astype(like.dtype), weights.astype(like.dtype)
    return like.new_tensor(exponents), like.new_tensor(weights)


def _gaussian(degree: int, exponents: Array, square: Array) -> Array:
    xp = array_namespace(square)
    return xp.exp(-exponents * square)


def _coulomb(degree: int, exponents: Array, square: Array) -> Array:
    return (2.0 * math.pi / exponents) * boys(degree, exponents * square)

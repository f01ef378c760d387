"""The surface of a constant electron density, as a closed triangle mesh.

R. F. W. Bader et al., J. Am. Chem. Soc. 109, 7968 (1987): 0.001 e/bohr³ holds 98 % of the electrons
and is where extrema of the potential are usually read off. Marching cubes on a grid of ln ρ, then
Newton steps along its gradient, as for :mod:`mepflow.geometry.surfaces`.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from mepflow.densities.auxiliary_basis import AuxiliaryBasis
from mepflow.densities.density_functions import density
from mepflow.geometry.radii import bondi_radii
from mepflow.geometry.surfaces import Surface

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

ISODENSITY: Final = 0.001
"""In e/bohr³."""
_MARGIN_BOHR: Final = 2.0
"""Beyond the Bondi spheres to begin with: the surface of an anion lies farther out."""
_WIDENINGS: Final = 3
_NEWTON_STEPS: Final = 3
_LARGEST_STEP: Final = 0.3
_LEAST: Final = 1e-12
"""A fitted density may be negative far away: there, and only there, it counts as this."""
_POINTS_AT_ONCE: Final = 2000


def isodensity_surface(
    basis: AuxiliaryBasis,
    numbers: IntArray,
    positions: FloatArray,
    coefficients: FloatArray,
    value: float = ISODENSITY,
    spacing_bohr: float = 0.5,
) -> Surface:
    """Return where the density of ``coefficients`` (P,) is ``value`` in e/bohr³.

    ``positions`` (n, 3) in bohr; ``spacing_bohr`` is about the edge of the triangles. Raises
    ``ValueError`` where the density does not fall to the value around the molecule.
    """
    from skimage.measure import marching_cubes  # only those who compute surfaces have it

    atoms = (basis, numbers, positions, coefficients)
    margin = _MARGIN_BOHR
    for _ in range(_WIDENINGS):
        low, nodes, counts = _grid(numbers, positions, margin, spacing_bohr)
        field = _logarithm(density(*atoms, nodes), value).reshape(counts)
        if _is_closed(field):
            break
        margin *= 2.0
    else:
        raise ValueError(f"the density does not fall to {value} e/bohr³ around the molecule")
    # Outside is above: the same sense of rotation as of a signed distance.
    steps, triangles, _, _ = marching_cubes(-field, 0.0)
    vertices = low + spacing_bohr * steps.astype(np.float64)
    for _ in range(_NEWTON_STEPS):
        vertices = _moved_onto(vertices, atoms, value)
    return Surface(vertices, triangles.astype(np.int64))


def density_gradient(
    basis: AuxiliaryBasis,
    numbers: IntArray,
    positions: FloatArray,
    coefficients: FloatArray,
    points: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Return ρ (p,) in e/bohr³ and its gradient (p, 3) in e/bohr⁴ at ``points`` (p, 3) in bohr."""
    where, weights = torch.as_tensor(positions), torch.as_tensor(coefficients)
    values, gradients = [], []
    for start in range(0, len(points), _POINTS_AT_ONCE):
        block = torch.tensor(points[start : start + _POINTS_AT_ONCE], requires_grad=True)
        found = density(basis, numbers, where, weights, block)
        (gradient,) = torch.autograd.grad(found.sum(), block)
        values.append(found.detach().numpy())
        gradients.append(gradient.numpy())
    return np.concatenate(values), np.concatenate(gradients)


def _grid(
    numbers: IntArray, positions: FloatArray, margin: float, spacing: float
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return the lowest corner (3,), the nodes (p, 3) and their number along each axis (3,)."""
    reach = bondi_radii(numbers)[:, None] + margin
    low, high = (positions - reach).min(axis=0), (positions + reach).max(axis=0)
    counts = np.ceil((high - low) / spacing).astype(np.int64) + 1
    axes = [start + spacing * np.arange(n) for start, n in zip(low, counts, strict=True)]
    return low, np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3), counts


def _logarithm(values: FloatArray, level: float) -> FloatArray:
    return np.asarray(np.log(np.maximum(values, _LEAST) / level))


def _is_closed(field: FloatArray) -> bool:
    faces = (field[index] for axis in range(3) for index in _ends(axis))
    return all(bool((face < 0.0).all()) for face in faces)


def _ends(axis: int) -> list[tuple[Any, ...]]:
    return [tuple(end if k == axis else slice(None) for k in range(3)) for end in (0, -1)]


def _moved_onto(
    points: FloatArray, atoms: tuple[AuxiliaryBasis, IntArray, FloatArray, FloatArray], value: float
) -> FloatArray:
    """Return points moved by a Newton step of ln ρ towards the value, a short one at most."""
    found, gradient = density_gradient(*atoms, points)
    safe = np.maximum(found, _LEAST)
    slope = gradient / safe[:, None]
    square = np.maximum((slope**2).sum(axis=1), _LEAST)
    step = -(_logarithm(found, value) / square)[:, None] * slope
    length = np.linalg.norm(step, axis=1, keepdims=True)
    return np.asarray(points + step * np.minimum(1.0, _LARGEST_STEP / np.maximum(length, _LEAST)))

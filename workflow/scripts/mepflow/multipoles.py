r"""Multipole conventions, and the only place where they are written down.

Atomic units. The dipole of atomic charges q and atomic dipoles μ is

.. math:: \mu = \sum_i (q_i r_i + \mu_i)

and the quadrupole is the traceless Θ′ without a factor ½,

.. math:: \Theta' = \sum_i q_i (3 r_i r_i^T - r_i^2 1)
          + 3 (r_i \mu_i^T + \mu_i r_i^T) - 2 (r_i \cdot \mu_i) 1 + \Theta'_i,

with atomic quadrupoles Θ′ᵢ about the atoms, if any. They leave the dipole as it is, and their
potential at a distance d is d·Θ′ᵢd / 2d⁵.

So Θ′ = 2 × Buckingham's Θ (PySCF's ``quad_moment``) = 3 × the traceless moment that Gaussian and
Psi4 print. Positions are relative to the **centre of nuclear charge**, unless said otherwise: the
quadrupole of a polar molecule, and the dipole of a charged one, depend on the origin.

The functions take NumPy arrays or torch tensors and return the same kind.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from array_api_compat import array_namespace

Array = Any
FloatArray = npt.NDArray[np.float64]

ORIGIN: Final = "centre of nuclear charge"
DIPOLE_COMPONENTS: Final = ("x", "y", "z")
QUADRUPOLE_COMPONENTS: Final = ("xx", "yy", "zz", "xy", "xz", "yz")
"""Order of the six stored components of a symmetric quadrupole in a loss or a table."""
_PLACES: Final = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
_TRACELESS_PLACES: Final = ((0, 0), (1, 1), (0, 1), (0, 2), (1, 2))
"""Where the five components xx, yy, xy, xz, yz of a traceless matrix stand; zz = −xx − yy."""


def centre_of_nuclear_charge(atomic_numbers: npt.ArrayLike, positions: FloatArray) -> FloatArray:
    """Return Σ Z r / Σ Z, shape (3,), of atoms at ``positions`` (n, 3)."""
    charges = np.asarray(atomic_numbers, dtype=float)
    return np.asarray(charges @ positions / charges.sum())


def dipole_terms(charges: Array, positions: Array, dipoles: Array | None = None) -> Array:
    """Return each atom's share of the molecular dipole, shape (n, 3), in e·bohr.

    ``charges`` (n,) in e, ``positions`` (n, 3) in bohr, ``dipoles`` (n, 3) in e·bohr.
    """
    terms = charges[:, None] * positions
    return terms if dipoles is None else terms + dipoles


def quadrupole_terms(
    charges: Array,
    positions: Array,
    dipoles: Array | None = None,
    quadrupoles: Array | None = None,
) -> Array:
    """Return each atom's share of the molecular Θ′, shape (n, 3, 3), in e·bohr².

    Arguments as in :func:`dipole_terms`, and atomic Θ′ (n, 3, 3) in e·bohr². The formula is that of
    the module's docstring.
    """
    xp = array_namespace(positions)
    identity = xp.eye(3, dtype=positions.dtype, device=getattr(positions, "device", None))
    square = xp.sum(positions * positions, axis=-1)[:, None, None]
    outer = positions[:, :, None] * positions[:, None, :]
    terms = charges[:, None, None] * (3.0 * outer - square * identity)
    if quadrupoles is not None:
        terms = terms + quadrupoles
    if dipoles is None:
        return terms
    mixed = positions[:, :, None] * dipoles[:, None, :]
    product = xp.sum(positions * dipoles, axis=-1)[:, None, None]
    symmetric = mixed + xp.permute_dims(mixed, (0, 2, 1))
    return terms + 3.0 * symmetric - 2.0 * product * identity


def components(quadrupole: Array) -> Array:
    """Return the six stored components (..., 6) of symmetric matrices (..., 3, 3)."""
    # No list as an index: PyTorch would copy it to a GPU at every call.
    xp = array_namespace(quadrupole)
    return xp.stack([quadrupole[..., a, b] for a, b in _PLACES], axis=-1)


def from_components(stored: FloatArray) -> FloatArray:
    """Return symmetric matrices (..., 3, 3) of their six stored components (..., 6)."""
    matrices = np.empty((*stored.shape[:-1], 3, 3))
    for place, (a, b) in enumerate(_PLACES):
        matrices[..., a, b] = matrices[..., b, a] = stored[..., place]
    return matrices


def traceless_matrices(five: Array) -> Array:
    """Return symmetric traceless matrices (n, 3, 3) of the components xx, yy, xy, xz, yz (n, 5)."""
    xp = array_namespace(five)
    xx, yy, xy, xz, yz = (five[:, k] for k in range(5))
    rows = [xp.stack(row, axis=-1) for row in ((xx, xy, xz), (xy, yy, yz), (xz, yz, -xx - yy))]
    return xp.stack(rows, axis=-2)


def traceless_components(quadrupole: Array) -> Array:
    """Return the five components (n, 5) of traceless matrices (n, 3, 3); see the inverse above."""
    xp = array_namespace(quadrupole)
    return xp.stack([quadrupole[:, a, b] for a, b in _TRACELESS_PLACES], axis=-1)


def from_second_moment(moment: FloatArray) -> FloatArray:
    """Return Θ′ = 3 Q − tr(Q) 1 of raw second moments Q = Σ q r rᵀ (..., 3, 3) (Psi4, SPICE)."""
    trace = np.trace(moment, axis1=-2, axis2=-1)[..., None, None]
    return np.asarray(3.0 * moment - trace * np.eye(3))


def from_buckingham(theta: FloatArray) -> FloatArray:
    """Return Θ′ of Buckingham's Θ = ½ Σ q (3 r rᵀ − r² 1) (PySCF's ``quad_moment``)."""
    return 2.0 * theta


def from_gaussian(traceless: FloatArray) -> FloatArray:
    """Return Θ′ of the traceless moment Q − tr(Q)/3 that Gaussian and Psi4 print."""
    return 3.0 * traceless


def shift_origin(
    quadrupole: FloatArray, dipole: FloatArray, total_charge: float, shift: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return (dipole, Θ′) of one molecule about an origin moved by ``shift`` (3,) in bohr.

    ``dipole`` and ``quadrupole`` are about the old origin, for the total charge in e.
    """
    mixed = np.outer(shift, dipole)
    correction = 3.0 * (mixed + mixed.T) - 2.0 * (shift @ dipole) * np.eye(3)
    monopole = total_charge * (3.0 * np.outer(shift, shift) - (shift @ shift) * np.eye(3))
    return dipole - total_charge * shift, quadrupole - correction + monopole

r"""Coefficients of a density in a basis: the nearest ones in a metric, under exact constraints.

With the metric G and the projections b of the density, c makes :math:`c^T G c - 2 b^T c` smallest
among those with :math:`A c = a` (Lagrange multipliers; Dunlap, Connolly and Sabin, J. Chem. Phys.
71, 3396 (1979)). In the Coulomb metric G is (χ|χ′) and b is (χ|ρ). To either, the squared error of
the potential on points can be added: :math:`G = J + w V^T V / p`, :math:`b = (χ|ρ) + w V^T v / p`,
with the functions' potentials V (p, P) and the density's potential v (p,).
"""

import numpy as np
import numpy.typing as npt
from scipy import linalg

FloatArray = npt.NDArray[np.float64]


def fitted_coefficients(
    metric: FloatArray, projections: FloatArray, constraints: FloatArray, targets: FloatArray
) -> FloatArray:
    """Return c (P,) of a metric (P, P), projections (P,), constraints (k, P), targets (k,).

    Raises ``ValueError`` where the functions are linearly dependent to the last digits.
    """
    # Functions differ in size by orders of magnitude: scaled, the matrix is better conditioned.
    scale = 1.0 / np.sqrt(np.diag(metric))
    try:
        factor = linalg.cho_factor(metric * scale * scale[:, None], lower=True)
    except linalg.LinAlgError as error:
        raise ValueError(f"the auxiliary functions are linearly dependent: {error}") from error
    rows = constraints * scale
    free = linalg.cho_solve(factor, projections * scale)
    response = linalg.cho_solve(factor, rows.T)
    multipliers = linalg.solve(rows @ response, targets - rows @ free)
    return np.asarray((free + response @ multipliers) * scale)


def with_potential(
    metric: FloatArray,
    projections: FloatArray,
    potentials: FloatArray,
    values: FloatArray,
    weight: float,
) -> tuple[FloatArray, FloatArray]:
    """Return metric and projections with the potential's squared error on points added.

    ``potentials`` (p, P) and ``values`` (p,) in hartree/e, of the electrons alone; ``weight`` in
    e²/hartree.
    """
    scaled = potentials * (weight / len(potentials))
    return metric + scaled.T @ potentials, projections + scaled.T @ values

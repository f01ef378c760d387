r"""The electron density as one sum of auxiliary functions, fitted in the Coulomb metric.

The coefficients c make :math:`(\rho - \sum_P c_P \chi_P | \rho - \sum_P c_P \chi_P)` smallest among
those with :math:`\sum_P c_P \int \chi_P = N`: Dunlap, Connolly and Sabin, J. Chem. Phys. 71, 3396
(1979), with their Lagrange multiplier. The potential of the sum is then right to second order.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pyscf import gto, lib
from scipy import linalg

FloatArray = npt.NDArray[np.float64]

_FLAT_EXPONENT: Final = 1e-12
"""Of a function that is 1 everywhere within a molecule, in 1/bohr²."""


def density_coefficients(mean_field: Any) -> FloatArray:
    """Return c (P,) of the functions of ``mean_field.with_df.auxmol``, in PySCF's order.

    ``mean_field`` is converged and density-fitted. Raises ``RuntimeError`` where the auxiliary
    functions are linearly dependent, so that PySCF has left some of them out.
    """
    fitting = mean_field.with_df
    metric = fitting.auxmol.intor("int2c2e")
    lower = linalg.cholesky(metric, lower=True)
    packed = lib.pack_tril(np.asarray(mean_field.make_rdm1()))
    packed *= 2.0
    diagonal = np.arange(mean_field.mol.nao)
    packed[diagonal * (diagonal + 3) // 2] *= 0.5
    whitened = np.concatenate([block @ packed for block in fitting.loop()])
    if len(whitened) != len(metric):
        raise RuntimeError("the auxiliary functions are linearly dependent")
    free = linalg.solve_triangular(lower, whitened, lower=True, trans="T")
    integrals = function_integrals(fitting.auxmol)
    response = linalg.cho_solve((lower, True), integrals)
    lacking = mean_field.mol.nelectron - integrals @ free
    return np.asarray(free + response * lacking / (integrals @ response))


def function_integrals(auxiliary: gto.Mole) -> FloatArray:
    """Return ∫χ (P,) of the functions of a molecule: (π/α)^(3/2)/√(4π) for each s function."""
    integrals = np.zeros(auxiliary.nao)
    first = auxiliary.ao_loc_nr()
    for shell in range(auxiliary.nbas):
        if auxiliary.bas_angular(shell):
            continue
        exponents = auxiliary.bas_exp(shell)
        weights = auxiliary._libcint_ctr_coeff(shell)
        spread = (np.pi / exponents) ** 1.5 / np.sqrt(4.0 * np.pi)
        integrals[first[shell] : first[shell + 1]] = spread @ weights
    return integrals


def coefficients_potential(
    auxiliary: gto.Mole, coefficients: FloatArray, points: FloatArray
) -> FloatArray:
    """Return ∫ρ(r′)/|r − r′| (p,) in hartree/e of ``coefficients`` at ``points`` (p, 3) in bohr."""
    # A charge distribution of nearly no width stands for each point.
    probes = gto.fakemol_for_charges(points)
    return np.asarray(coefficients @ gto.intor_cross("int2c2e", auxiliary, probes))


def coefficients_moments(
    auxiliary: gto.Mole, coefficients: FloatArray, origin: FloatArray
) -> tuple[float, FloatArray, FloatArray]:
    """Return ∫ρ, ∫ρ r (3,) and ∫ρ r rᵀ (3, 3) of ``coefficients``, r from ``origin`` in bohr."""
    flat = gto.fakemol_for_charges(origin[None], _FLAT_EXPONENT)
    scale = (np.pi / _FLAT_EXPONENT) ** 1.5
    with auxiliary.with_common_orig(origin), flat.with_common_orig(origin):
        charge, first, second = (
            scale * gto.intor_cross(name, auxiliary, flat).reshape(-1, auxiliary.nao) @ coefficients
            for name in ("int1e_ovlp", "int1e_r", "int1e_rr")
        )
    return float(charge[0]), first, second.reshape(3, 3)

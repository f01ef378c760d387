r"""The gradient of a density-fitted Kohn–Sham energy, and the electron density on its grid.

PySCF contracts matrices of all functions with all functions on the grid, which takes as long as the
whole SCF. The orbitals do: with :math:`X^a_\mu = \sum_\nu D_{\mu\nu} \partial_a \phi_\nu` (a = 0
is the function itself), the function μ adds

.. math::
    -\sum_g \Big\{ \partial_k \phi_\mu \, 2 \Big[v_0 X^0_\mu + \sum_a v_a X^a_\mu\Big]
    + \sum_a \partial_a \partial_k \phi_\mu \, \big[2 v_a X^0_\mu + v_\tau X^a_\mu\big] \Big\}

to the gradient of its atom, v being weights times derivatives of the energy by density, its
gradient and the kinetic energy density. The response of the grid is left out, as in Psi4 and PySCF.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pyscf.dft import numint
from pyscf.grad import rks as ks_gradient

from mepflow.qm.fitted_repulsion import fitted_repulsion_gradient
from mepflow.qm.orbital_integration import POINTS_PER_BLOCK, orbital_density
from mepflow.qm.stockholder import GridDensity

FloatArray = npt.NDArray[np.float64]

_SECOND_DERIVATIVES: Final = ((4, 5, 6), (5, 7, 8), (6, 8, 9))
"""Places of ∂a∂k among PySCF's values of basis functions."""


class _OneElectronGradient(ks_gradient.Gradients):  # type: ignore[misc]
    """PySCF's gradient of all but the functional, Coulomb and exchange: with dispersion."""

    def get_veff(self, mol: Any = None, dm: Any = None) -> FloatArray:
        """Return nothing for what is computed here."""
        return np.zeros((3, self.mol.nao, self.mol.nao))

    def extra_force(self, atom_id: int, envs: dict[str, Any]) -> float:
        """Return nothing: no grid responds."""
        return 0.0


def energy_gradient(mean_field: Any) -> tuple[FloatArray, GridDensity]:
    """Return the energy's gradient (n, 3) in hartree/bohr and the density on the SCF's grid.

    ``mean_field`` is a converged restricted Kohn–Sham object. Dispersion is included. The gradient
    is PySCF's own where integrals are exact, the functional is no hybrid of the meta-GGA kind, or
    functions are Cartesian.
    """
    is_fitted = getattr(mean_field, "with_df", None) is not None
    if not is_fitted or mean_field.mol.cart or not is_hybrid_meta_gga(mean_field.xc):
        return _own_gradient(mean_field)
    integration = numint.NumInt()
    rest = np.asarray(_OneElectronGradient(mean_field).kernel())
    shares, density = _functional_shares(mean_field, integration)
    first = mean_field.mol.aoslice_by_atom()[:, 2]
    own = np.add.reduceat(shares, first, axis=1).T
    grids = mean_field.grids
    repulsion = fitted_repulsion_gradient(mean_field)
    return rest + repulsion + own, GridDensity(grids.coords, grids.weights, density)


def is_hybrid_meta_gga(functional: str) -> bool:
    """Tell whether a functional is of the kind that the formulas above are written for."""
    integration = numint.NumInt()
    kind = integration._xc_type(functional)
    return bool(kind == "MGGA" and integration.libxc.is_hybrid_xc(functional))


def _own_gradient(mean_field: Any) -> tuple[FloatArray, GridDensity]:
    """Return PySCF's gradient and the density on the SCF's grid."""
    grids = mean_field.grids
    density = mean_field._numint.get_rho(mean_field.mol, mean_field.make_rdm1(), grids)
    gradient = np.asarray(mean_field.nuc_grad_method().kernel())
    return gradient, GridDensity(grids.coords, grids.weights, np.asarray(density))


def _functional_shares(
    mean_field: Any, integration: numint.NumInt
) -> tuple[FloatArray, FloatArray]:
    """Return each function's share (3, nao) of the functional's gradient, and the density (p,)."""
    mol, grids = mean_field.mol, mean_field.grids
    held = mean_field.mo_occ > 0
    orbitals = np.asarray(mean_field.mo_coeff[:, held] * np.sqrt(mean_field.mo_occ[held]))
    shares = np.zeros((3, mol.nao))
    densities = []
    blocks = integration.block_loop(mol, grids, mol.nao, 2, blksize=POINTS_PER_BLOCK)
    for values, _, weights, _ in blocks:
        functions = np.asarray(values).transpose(0, 2, 1)
        density = _add_block(functions, weights, orbitals, mean_field.xc, integration, shares)
        densities.append(density)
    return shares, np.concatenate(densities)


def _add_block(
    functions: FloatArray,
    weights: FloatArray,
    orbitals: FloatArray,
    functional: str,
    integration: numint.NumInt,
    shares: FloatArray,
) -> FloatArray:
    """Add the shares of points with ``functions`` (10, nao, p); return the density (p,) there."""
    on_points = orbitals.T @ functions[:4]
    density = orbital_density(on_points)
    v = weights * integration.eval_xc_eff(functional, density, 1, xctype="MGGA")[1]
    x = orbitals @ on_points
    first = 2.0 * np.einsum("ap,aip->ip", v[:4], x)
    shares -= np.einsum("kip,ip->ki", functions[1:4], first)
    for a, places in enumerate(_SECOND_DERIVATIVES, start=1):
        second = 2.0 * v[a] * x[0]
        second += v[4] * x[a]
        for k, place in enumerate(places):
            shares[k] -= np.einsum("ip,ip->i", functions[place], second)
    return np.asarray(density[0])

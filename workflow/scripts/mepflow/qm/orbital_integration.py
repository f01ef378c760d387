r"""The potential of a functional as far as occupied orbitals see it, in a tenth of the time.

An SCF is decided by what the potential V does to occupied orbitals, V C: a matrix of functions by
orbitals, not by functions. With W = V C and the overlap S of the functions,

.. math:: V' = W C^T S + S C W^T - S C (C^T W) C^T S

has V′C = V C, so the same energy, gradient and first-order expansion around the density of the
orbitals C. What it leaves out is between functions that are orthogonal to all C. Some unoccupied
orbitals count among the C here, for the sake of their energies.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pyscf import gto
from pyscf.dft import numint

FloatArray = npt.NDArray[np.float64]

POINTS_PER_BLOCK: Final = 40 * numint.BLKSIZE
_UNOCCUPIED: Final = 8


class OrbitalIntegration(numint.NumInt):  # type: ignore[misc]
    """PySCF's integration of a meta-GGA, its potential projected as above."""

    def nr_rks(
        self, mol: gto.Mole, grids: Any, xc_code: str, dms: Any, *args: Any, **kwargs: Any
    ) -> tuple[float, float, FloatArray]:
        """Return electrons, energy (hartree) and potential (n, n) of a density matrix (n, n).

        ``dms`` carries its orbitals, as PySCF's ``make_rdm1`` returns it.
        """
        occupied = int((dms.mo_occ > 0).sum())
        orbitals = np.asarray(dms.mo_coeff[:, : occupied + _UNOCCUPIED])
        if (dms.mo_occ[:occupied] == 0).any():
            raise ValueError("the occupied orbitals are not the first")
        electrons, energy = 0.0, 0.0
        products = np.zeros_like(orbitals)
        for values, _, weights, _ in self.block_loop(
            mol, grids, mol.nao, 1, blksize=POINTS_PER_BLOCK
        ):
            functions = np.asarray(values).transpose(0, 2, 1)
            on_points = orbitals.T @ functions
            density = orbital_density(np.sqrt(2.0) * on_points[:, :occupied])
            per_electron, v = self.eval_xc_eff(xc_code, density, 1, xctype="MGGA")[:2]
            held = weights * density[0]
            electrons += held.sum()
            energy += held @ per_electron
            products += _potential_products(functions, on_points, weights * v)
        return electrons, energy, _symmetric(products, orbitals, mol.intor_symmetric("int1e_ovlp"))


def orbital_density(on_points: FloatArray) -> FloatArray:
    """Return density, gradient and kinetic energy density (5, p) of orbitals (4, o, p).

    The orbitals are scaled with the roots of their occupations; the four are value and derivatives.
    """
    density = np.empty((5, on_points.shape[-1]))
    density[:4] = np.einsum("op,aop->ap", on_points[0], on_points)
    density[1:4] *= 2.0
    density[4] = 0.5 * np.einsum("aop,aop->p", on_points[1:], on_points[1:])
    return density


def _potential_products(functions: FloatArray, on_points: FloatArray, v: FloatArray) -> FloatArray:
    """Return V C (n, o) of functions (4, n, p), orbitals (4, o, p) and derivatives v (5, p)."""
    products = functions[0] @ np.einsum("ap,aop->op", v[:4], on_points).T
    for a in (1, 2, 3):
        weighted = v[a] * on_points[0]
        weighted += 0.5 * v[4] * on_points[a]
        products += functions[a] @ weighted.T
    return np.asarray(products)


def _symmetric(products: FloatArray, orbitals: FloatArray, overlap: FloatArray) -> FloatArray:
    covered = overlap @ orbitals
    half = (products - 0.5 * covered @ (orbitals.T @ products)) @ covered.T
    return np.asarray(half + half.T)

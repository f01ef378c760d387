r"""The gradient of density-fitted Coulomb and exact-exchange energies.

With orbitals O scaled so that the density matrix is D = O Oᵀ, fitted densities
:math:`d^P_{ij} = \sum_Q (P|Q)^{-1} (Q|ij)` of pairs of orbitals and c of all of them,

.. math::
    E = \tfrac12 \sum_P c_P (P|\rho) - \tfrac a4 \sum_{Pij} d^P_{ij} (P|ij), \quad
    dE = \sum_{P\mu\nu} Z^P_{\mu\nu}\, d(P|\mu\nu) - \sum_{PQ} Y_{PQ}\, d(P|Q)

with :math:`Z^P = c_P D - \tfrac a2 O d^P O^T` and :math:`Y = \tfrac12 c c^T - \tfrac a4 W`,
:math:`W_{PQ} = \sum_{ij} d^P_{ij} d^Q_{ij}`. The integrals do not change when all functions move
together, so derivatives by the first function of each give those of the fitting functions as well:
a third of the integrals that PySCF's own gradient takes.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pyscf import gto, lib
from pyscf.ao2mo.outcore import balance_partition
from pyscf.df import incore
from scipy import linalg

FloatArray = npt.NDArray[np.float64]

_BLOCK_BYTES: Final = 100 * 2**20
"""Memory of the derivatives of integrals that are held at once."""


def fitted_repulsion_gradient(mean_field: Any) -> FloatArray:
    """Return the gradient (n, 3) in hartree/bohr of the Coulomb and exact-exchange energy.

    ``mean_field`` is a converged, density-fitted restricted Kohn–Sham object; its functional may
    take another share of the long-ranged exchange.
    """
    omega, alpha, hybrid = mean_field._numint.rsh_and_hybrid_coeff(mean_field.xc)
    held = mean_field.mo_occ > 0
    orbitals = np.asarray(mean_field.mo_coeff[:, held] * np.sqrt(mean_field.mo_occ[held]))
    gradient = _of_one_operator(mean_field.with_df, orbitals, 1.0, hybrid)
    if omega:
        with mean_field.with_df.range_coulomb(omega) as long_ranged:
            gradient += _of_one_operator(long_ranged, orbitals, 0.0, alpha - hybrid)
    return gradient


def _of_one_operator(
    fitting: Any, orbitals: FloatArray, coulomb: float, exchange: float
) -> FloatArray:
    """Return the gradient (n, 3) of ``coulomb`` and ``exchange`` times the energies."""
    pairs = _fitted_pairs(fitting, orbitals)
    total = coulomb * np.einsum("pii->p", pairs)
    mol, auxiliary = fitting.mol, fitting.auxmol
    by_function = np.zeros((3, mol.nao))
    by_fitted = np.zeros((3, auxiliary.nao))
    density = orbitals @ orbitals.T
    for rows, integrals in _derivatives(mol, auxiliary):
        weights = -0.5 * exchange * _in_functions(orbitals, pairs[rows])
        weights += total[rows, None, None] * density
        products = np.einsum("kpnm,pnm->kpm", integrals, weights, optimize=False)
        by_function -= 2.0 * products.sum(axis=1)
        by_fitted[:, rows] += 2.0 * products.sum(axis=2)
    metric = auxiliary.intor("int2c2e_ip1")
    flat = pairs.reshape(len(pairs), -1)
    weights = np.outer(total, total) - 0.5 * exchange * (flat @ flat.T)
    by_fitted += np.einsum("kpq,pq->kp", metric, weights)
    return _by_atom(mol, by_function) + _by_atom(auxiliary, by_fitted)


def _fitted_pairs(fitting: Any, orbitals: FloatArray) -> FloatArray:
    """Return d (P, o, o) of the orbitals (n, o)."""
    blocks = []
    for packed in fitting.loop():
        half = lib.unpack_tril(packed) @ orbitals
        blocks.append(orbitals.T @ half)
    whitened = np.concatenate(blocks)
    metric = fitting.auxmol.intor("int2c2e", hermi=1)
    flat = whitened.reshape(len(whitened), -1)
    try:
        lower = linalg.cholesky(metric, lower=True)
        solved = linalg.solve_triangular(lower, flat, lower=True, trans="T")
    except np.linalg.LinAlgError:
        solved = incore._eig_decompose(fitting.mol, metric).T @ flat
    return np.asarray(solved.reshape(-1, *whitened.shape[1:]))


def _in_functions(orbitals: FloatArray, pairs: FloatArray) -> FloatArray:
    """Return O d Oᵀ (p, n, n) of d (p, o, o)."""
    return np.asarray((orbitals @ pairs) @ orbitals.T)


def _derivatives(mol: gto.Mole, auxiliary: gto.Mole) -> Iterator[tuple[slice, FloatArray]]:
    """Yield fitting functions and (∇m n|P) as (3, p, n, m), m and n being functions."""
    joint = mol + auxiliary
    name = mol._add_suffix("int3c2e_ip1")
    optimizer = gto.moleintor.make_cintopt(mol._atm, mol._bas, mol._env, name)
    first = auxiliary.ao_loc_nr()
    size = max(1, _BLOCK_BYTES // (24 * mol.nao**2))
    for start, stop, _ in balance_partition(first, size):
        shells = (0, mol.nbas, 0, mol.nbas, mol.nbas + start, mol.nbas + stop)
        integrals = gto.moleintor.getints(
            name, joint._atm, joint._bas, joint._env, shls_slice=shells, cintopt=optimizer
        )
        yield slice(first[start], first[stop]), integrals.transpose(0, 3, 2, 1)


def _by_atom(mol: gto.Mole, values: FloatArray) -> FloatArray:
    """Return sums (n, 3) over the functions of each atom of values (3, functions)."""
    return np.add.reduceat(values, mol.aoslice_by_atom()[:, 2], axis=1).T

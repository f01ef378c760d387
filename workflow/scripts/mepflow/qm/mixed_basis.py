r"""Six Cartesian d functions beside seven pure f functions, which PySCF cannot mix by itself.

The molecule is built with Cartesian functions throughout (10 f per shell). The orbitals are then
confined to the subspace spanned by s, p, Cartesian d and pure f: with C (n_cartesian, n_mixed) its
basis and S the overlap, :math:`P = C (C^T S C)^{-1} C^T S` projects onto it. The Fock operator is
projected in its parts, the core Hamiltonian and the effective potential, so that the commutator
FDS − SDF, which drives the convergence acceleration, vanishes at the solution; projecting in the
diagonalization alone does not converge. Densities and orbital coefficients stay in the Cartesian
basis, so every integral and property of PySCF can be used on them.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.linalg
from pyscf import gto, lib

FloatArray = npt.NDArray[np.float64]

_FIRST_PURE_ANGULAR_MOMENTUM: Final = 3


def mixed_functions(mol: gto.Mole) -> FloatArray:
    """Return the mixed basis in terms of the Cartesian one, shape (n_cartesian, n_mixed)."""
    if not mol.cart:
        raise ValueError("the molecule must be built with Cartesian functions")
    blocks = []
    for shell in range(mol.nbas):
        momentum = mol.bas_angular(shell)
        if momentum >= _FIRST_PURE_ANGULAR_MOMENTUM:
            block = gto.mole.cart2sph(momentum, normalized="sp")
        else:
            block = np.eye((momentum + 1) * (momentum + 2) // 2)
        blocks.extend([block] * mol.bas_nctr(shell))
    return np.asarray(scipy.linalg.block_diag(*blocks))


class _MixedBasis:
    """Mixin for a mean-field object of PySCF: confines its orbitals to the mixed basis."""

    mixed_functions: FloatArray
    projector: FloatArray

    def get_hcore(self, *args: Any, **kwargs: Any) -> FloatArray:
        return self._project(super().get_hcore(*args, **kwargs))  # type: ignore[misc]

    def get_veff(self, *args: Any, **kwargs: Any) -> Any:
        potential = super().get_veff(*args, **kwargs)  # type: ignore[misc]
        # The tags (energies, J and K of the incremental build) belong to the full basis: keep them.
        return lib.tag_array(self._project(np.asarray(potential)), **potential.__dict__)

    def eig(
        self, fock: FloatArray, overlap: FloatArray, *_: Any, **__: Any
    ) -> tuple[FloatArray, FloatArray]:
        basis = self.mixed_functions
        energies, orbitals = scipy.linalg.eigh(basis.T @ fock @ basis, basis.T @ overlap @ basis)
        return energies, basis @ orbitals

    def _project(self, operator: FloatArray) -> FloatArray:
        return np.asarray(self.projector.T @ operator @ self.projector)


def confine_to_mixed_basis(mean_field: Any) -> Any:
    """Return ``mean_field`` (of a Cartesian molecule) with its orbitals in the mixed basis."""
    basis = mixed_functions(mean_field.mol)
    overlap = mean_field.get_ovlp()
    confined = lib.set_class(mean_field, (_MixedBasis, mean_field.__class__))
    confined.mixed_functions = basis
    confined.projector = basis @ np.linalg.solve(basis.T @ overlap @ basis, basis.T @ overlap)
    return confined

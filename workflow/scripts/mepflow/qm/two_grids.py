r"""An SCF that integrates on a coarse grid in most cycles, with the result of the fine one.

Nearly all the time of a density-fitted SCF goes into the exchange-correlation energy E and its
potential V on the integration grid. Here a coarse grid (c) does the cycles, corrected by the fine
one (f) to first order around a density matrix D₀:

.. math::
    E(D) = E_c(D) + [E_f(D_0) - E_c(D_0)] + \mathrm{tr}\,[(V_f(D_0) - V_c(D_0)) (D - D_0)]

Its potential, :math:`V_c(D) + V_f(D_0) - V_c(D_0)`, is that of this very energy, so the SCF
converges as ever; at D₀ energy and potential are those of the fine grid. The expansion moves to the
density found until the energy stands still: what is left is of second order in the last step of the
density, times the difference of the grids.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pyscf import dft, gto
from pyscf.dft import numint

FloatArray = npt.NDArray[np.float64]

COARSE_LEVEL: Final = 0
"""PySCF's level of the coarse grid: a fourteenth of the points of level 3."""
_COARSE_GRADIENT: Final = 1e-2
"""Where the cycles without a correction end: the next ones would converge to another density."""
_TIGHTER_GRADIENT: Final = 0.1
"""Against PySCF's √(tolerance of the energy): cycles on the coarse grid cost little."""
_MAX_EXPANSIONS: Final = 8
_KEPT_SHARE: Final = 0.1
"""Part of the memory that the values of basis functions on the coarse grid may take."""


class TwoGridIntegration(numint.NumInt):  # type: ignore[misc]
    """PySCF's integration of the exchange-correlation functional, on the coarse grid."""

    def __init__(self, mol: gto.Mole, max_memory: float) -> None:
        super().__init__()
        self._coarse = dft.Grids(mol)
        self._coarse.level = COARSE_LEVEL
        self._coarse.build(with_non0tab=True)
        self._max_memory = max_memory
        self._kept: list[Any] = []
        self._expands = False
        self._energy: float = 0.0
        self._potential: FloatArray | None = None

    def expand_at_next_density(self) -> None:
        """Let the next evaluation be one on the fine grid, which corrects those after it."""
        self._expands = True

    def nr_rks(
        self, mol: gto.Mole, grids: Any, xc_code: str, dms: FloatArray, *args: Any, **kwargs: Any
    ) -> tuple[float, float, FloatArray]:
        """Return electrons, energy (hartree) and potential (n, n) of a density matrix (n, n)."""
        coarse = super().nr_rks(mol, self._coarse, xc_code, dms, *args, **kwargs)
        if self._expands:
            fine: Any = super().nr_rks(mol, grids, xc_code, dms, *args, **kwargs)
            self._potential = fine[2] - coarse[2]
            self._energy = fine[1] - coarse[1] - np.vdot(self._potential, dms)
            self._expands = False
            return fine[0], fine[1], fine[2]
        electrons, energy, potential = coarse
        if self._potential is None:
            return electrons, energy, potential
        energy = energy + self._energy + np.vdot(self._potential, dms)
        return electrons, energy, potential + self._potential

    def block_loop(
        self,
        mol: gto.Mole,
        grids: Any,
        nao: int | None = None,
        deriv: int = 0,
        *args: Any,
        **kwargs: Any,
    ) -> Iterator[Any]:
        """Yield blocks of the values of basis functions; those of the coarse grid are kept."""
        components = (deriv + 1) * (deriv + 2) * (deriv + 3) // 6
        megabyte = 8e-6 * components * grids.weights.size * mol.nao
        if grids is not self._coarse or megabyte > _KEPT_SHARE * self._max_memory:
            yield from super().block_loop(mol, grids, nao, deriv, *args, **kwargs)
            return
        if not self._kept:
            whole = -(-grids.weights.size // numint.BLKSIZE) * numint.BLKSIZE
            self._kept = list(super().block_loop(mol, grids, nao, deriv, blksize=whole))
        yield from self._kept


def converge(mean_field: Any, callback: Callable[[dict[str, Any]], object]) -> None:
    """Converge a restricted Kohn–Sham object of PySCF, calling ``callback`` after every cycle.

    Sets what its ``kernel()`` would set; the energy is converged to ``mean_field.conv_tol`` between
    evaluations on its own grid ``mean_field.grids``. Afterwards it integrates on that grid again.
    """
    tolerance, plain = mean_field.conv_tol, mean_field._numint
    integration = TwoGridIntegration(mean_field.mol, mean_field.max_memory)
    changes: list[float] = []

    def follow(state: dict[str, Any]) -> None:
        changes.append(state["e_tot"] - state["last_hf_e"])
        callback(state)

    mean_field._numint, mean_field.conv_check, mean_field.callback = integration, False, follow
    # The gradient alone ends the first cycles.
    mean_field.conv_tol, mean_field.conv_tol_grad = np.inf, _COARSE_GRADIENT
    mean_field.kernel()
    mean_field.conv_tol = tolerance
    mean_field.conv_tol_grad = _TIGHTER_GRADIENT * np.sqrt(tolerance)
    for _ in range(_MAX_EXPANSIONS):
        changes.clear()
        integration.expand_at_next_density()
        mean_field.kernel(mean_field.make_rdm1())
        if not mean_field.converged or abs(sum(changes)) < tolerance:
            break
    else:
        mean_field.converged = False
    mean_field._numint, mean_field.conv_check, mean_field.callback = plain, True, callback
    mean_field.conv_tol_grad = None
